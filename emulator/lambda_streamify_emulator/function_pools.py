"""The pools of the functions that are served: made before they are served, and retired when the template changes."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .building.programs import Programs
from .processes.reaper import Reaper
from .sandboxes.function_package import Package
from .sandboxes.packages import Note, PackageMaker
from .sandboxes.shared_ports import SharedPorts
from .settings import Settings
from .template.reader import Function

if TYPE_CHECKING:
    from .errors import EmulatorError
    from .sandboxes.pool import SandboxPool


class FunctionPools:
    """The pools by the names of their functions, in `current`.

    `say` is called with the emulator's messages, `log` with the name of a function and each line that it prints.
    `scratch` is the folder for what is made at each start.
    """

    def __init__(
        self,
        *,
        pool_type: "type[SandboxPool]",
        scratch: Path,
        reaper: Reaper,
        settings: Settings,
        say: Callable[[str], None],
        log: Callable[[str, str], None],
    ) -> None:
        self.current: dict[str, SandboxPool] = {}
        self._pool_type = pool_type
        self._scratch = scratch
        self._reaper = reaper
        self._settings = settings
        self._say = say
        self._log = log
        self._programs = Programs(reaper)
        self._ports = SharedPorts()
        self._retiring: dict[asyncio.Task[None], SandboxPool] = {}
        self._preparations = 0

    def has(self, function: Function) -> bool:
        """Whether there is a pool for exactly this function."""
        pool = self.current.get(function.name)
        return pool is not None and pool.function == function

    async def prepare(self, functions: list[Function]) -> "dict[str, SandboxPool]":
        """Return a new pool for each of the functions that can be prepared; layers are built in a thread.

        At the start, the others are reported. If no function can be prepared, or if others run already, raises the
        first reason.
        """
        note = partial(self._note, asyncio.get_running_loop())
        preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare, functions, note))
        try:
            await asyncio.wait([preparing])
        except asyncio.CancelledError:
            self._programs.stop()
            await asyncio.wait([preparing])  # the thread cannot be cancelled, and writes to the scratch folder
            preparing.exception()  # mark it as retrieved: the error is that the programs were stopped
            raise
        return preparing.result()

    def replace(self, pools: "Mapping[str, SandboxPool]") -> None:
        """Use these pools from now on; let the others finish what runs in them."""
        for name, pool in self.current.items():
            successor = pools.get(name)
            if successor is not pool:
                retiring = asyncio.create_task(pool.retire(successor))
                self._retiring[retiring] = pool  # the event loop keeps only a weak reference
                retiring.add_done_callback(self._retiring.pop)
        pools = dict(pools)
        self.current.clear()
        self.current.update(pools)

    async def stop(self) -> None:
        """End all installations, builds and sandboxes."""
        self._programs.stop()
        retiring = dict(self._retiring)
        await asyncio.gather(*(pool.stop() for pool in (*self.current.values(), *retiring.values())))
        await asyncio.gather(*retiring)  # never cancelled: that would leave sandboxes half stopped

    def _prepare(self, functions: list[Function], note: Note) -> "dict[str, SandboxPool]":
        self._preparations += 1
        scratch = self._scratch / str(self._preparations)  # what was prepared before is still in use
        maker = PackageMaker(scratch, self._programs.run, self._say, note, self._settings.debug)
        pools: dict[str, SandboxPool] = {}
        failures: dict[str, EmulatorError] = {}
        for function, package in maker.make_all(functions):
            if isinstance(package, Package):
                log = partial(self._log, function.name)
                pools[function.name] = self._pool_type(package, self._reaper, log, self._settings, self._ports)
            else:
                failures[function.name] = package
        if failures and (self._programs.is_stopped or self.current or not pools):
            raise next(iter(failures.values()))
        for name, failure in failures.items():
            self._say(f"{name} is not served: {failure}")
        return pools

    def _note(self, loop: asyncio.AbstractEventLoop, function: str, state: str | None) -> None:
        """Show on the dashboard what is being installed. Threads call this."""
        if self._settings.activity is not None:
            loop.call_soon_threadsafe(self._settings.activity.show_state, function, state)
