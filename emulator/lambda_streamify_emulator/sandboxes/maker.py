"""Makes the sandboxes of one function, and shows on the dashboard those that run several invocations at a time."""

from collections.abc import Callable

from ..processes.reaper import Reaper
from ..settings import Settings
from .concurrent_sandbox import ConcurrentSandbox
from .function_package import Package
from .sandbox import Sandbox


class SandboxMaker:
    """Makes sandboxes, which get these callbacks; see Sandbox."""

    def __init__(
        self,
        reaper: Reaper,
        log: Callable[[str], None],
        settings: Settings,
        *,
        idle: Callable[[Sandbox], None],
        gone: Callable[[Sandbox], None],
    ) -> None:
        self._reaper = reaper
        self._log = log
        self._settings = settings
        self._idle = idle
        self._gone = gone
        self._shown: dict[Sandbox, ConcurrentSandbox] = {}

    def make(self, package: Package) -> Sandbox:
        """Return a new sandbox, which has not started yet."""
        max_concurrency = self._settings.max_concurrency_of(package.function)
        if max_concurrency is None:
            return Sandbox(package, self._reaper, self._log, self._idle, self._gone, settings=self._settings)
        sandbox = ConcurrentSandbox(
            package,
            self._reaper,
            self._log,
            self._idle,
            self._gone,
            max_concurrency=max_concurrency,
            settings=self._settings,
            show=lambda: self._show(package.function.name),
        )
        self._shown[sandbox] = sandbox
        return sandbox

    def forget(self, sandbox: Sandbox) -> None:
        """Stop showing a sandbox that has ended."""
        shown = self._shown.pop(sandbox, None)
        if shown is not None:
            self._show(shown.function.name)

    def _show(self, function: str) -> None:
        if self._settings.activity is not None:
            self._settings.activity.show_sandboxes(function, [shown.as_dict() for shown in self._shown.values()])
