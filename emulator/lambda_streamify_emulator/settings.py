"""What the user of the emulator chooses."""

from dataclasses import dataclass

from .dashboard.activity import Activity
from .invocations.limits import LIMITS, Limits
from .invocations.recording_channel import Recordings


@dataclass(frozen=True)
class Settings:
    """The options of `streamify serve` that concern the whole of an emulator, with their defaults."""

    limits: Limits = LIMITS
    max_sandboxes: int = 1000
    """Of a function that reserves no concurrency. 1000 is AWS's quota of an account (Lambda quotas)."""
    idle_limit: float = 10 * 60
    """Seconds after which an idle sandbox ends. AWS says of its own only that it is "some period of time"."""
    with_credentials: bool = False
    """Whether functions act as the developer: with the AWS credentials of the emulator's environment."""
    debug: str | None = None
    """The name of the function that a debugger is to attach to."""
    recordings: Recordings | None = None
    """Where responses are recorded, if they are."""
    activity: Activity | None = None
    """What the dashboard shows, if there is one."""
    cuts_errors: bool = False
    """Whether a function URL cuts the body of a response that ends in an error; it ends it as if it were whole else."""
    host: str = "127.0.0.1"
    """Where all ports listen: an address of this machine, or a name of one."""


DEFAULTS = Settings()
