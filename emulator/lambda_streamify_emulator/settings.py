"""The settings of an emulator."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .activity.activity import Activity
from .errors import EmulatorError
from .invocations.limits import LIMITS, Limits
from .invocations.recording_channel import Recordings
from .template.functions import Function
from .template.managed_instances import HIGHEST
from .web.exchange import Exchange


def read_max_concurrency(option: str, lines: Iterable[str]) -> dict[str, int]:
    """Return the value of `Settings.max_concurrency` that lines such as NAME=N and N stand for. Raises EmulatorError.

    assert read_max_concurrency("--max-concurrency", ["chat=16", "4"]) == {"chat": 16, "": 4}
    """
    found: dict[str, int] = {}
    for line in lines:
        name, _, value = (part.strip() for part in line.rpartition("="))
        if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= HIGHEST):
            raise EmulatorError(f"{option} {line}: write a number from 1 to {HIGHEST}, or NAME=NUMBER")
        found[name] = int(value)
    return found


@dataclass(frozen=True)
class Settings:
    """The options of `streamify serve` that apply to the whole emulator, with their defaults."""

    limits: Limits = LIMITS
    max_sandboxes: int = 1000
    """The limit for a function without reserved concurrency. 1000 is AWS's quota for an account (Lambda quotas)."""
    idle_limit: float = 10 * 60
    """Seconds after which an idle sandbox ends. AWS documents only "some period of time"."""
    async_retry_delays_s: tuple[float, ...] = (1, 2)
    """Seconds before each further attempt of a failed asynchronous invocation. AWS waits 60, then 120."""
    max_concurrency: Mapping[str, int] = field(default_factory=dict)
    """How many invocations a sandbox runs at a time, by the names of functions, whatever the template says of them.

    "" stands for the other functions whose template says nothing. Without either, they run one at a time, on demand.
    """
    with_credentials: bool = False
    """Whether functions act as the developer: with the AWS credentials of the emulator's environment."""
    debug: str | None = None
    """The name of the function to debug."""
    recordings: Recordings | None = None
    """Records responses to files; None to record nothing."""
    activity: Activity | None = None
    """Collects the data of the dashboard; None without a dashboard."""
    on_request: Callable[[Exchange], None] | None = None
    """Called after each change of a request to a front end; see ExchangeWatch."""
    cuts_errors: bool = False
    """Whether a function URL closes the connection after an error within the response; else the body ends normally."""
    host: str = "127.0.0.1"
    """The address on which all ports listen, or its name."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names that are accepted in the Host header, besides `host`, addresses and localhost."""

    public_host: str | None = None
    """The name under which functions see themselves reached, such as that of a proxy; None for each request's own."""
    tls: bool = False
    """Whether function URLs and REST APIs are served over https. The Lambda API is not: no SDK has to trust a CA."""

    def max_concurrency_of(self, function: Function) -> int | None:
        """How many invocations a sandbox of this function runs at a time; None for one, as on demand.

        A function that is debugged runs one at a time: a debugger follows one process.
        """
        if function.name == self.debug:
            return None
        named = self.max_concurrency.get(function.name)
        others = self.max_concurrency.get("") if function.max_concurrency is None else function.max_concurrency
        return others if named is None else named

    def check_names(self, functions: Iterable[Function]) -> None:
        """Raise EmulatorError if `max_concurrency` names a function that is not among these."""
        known = [function.name for function in functions]
        for name in self.max_concurrency:
            if name and name not in known:
                raise EmulatorError(
                    f"--max-concurrency {name}: there is no such function; there are {', '.join(known)}"
                )

    @property
    def exchange_watchers(self) -> tuple[Callable[[Exchange], None], ...]:
        """Who observes the requests to front ends."""
        watchers = (None if self.activity is None else self.activity.note, self.on_request)
        return tuple(watcher for watcher in watchers if watcher is not None)

    @property
    def host_names(self) -> tuple[str, ...]:
        """All names that are accepted in the Host header."""
        public = () if self.public_host is None else (self.public_host,)
        return (self.host, *self.allowed_hosts, *public)


DEFAULTS = Settings()
