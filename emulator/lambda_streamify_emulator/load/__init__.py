"""Load tests with streaming metrics. `StreamUser` is for locustfiles of one's own; importing it imports Locust."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .measurement import Measurement
    from .stream_user import StreamUser

__all__ = ["Measurement", "StreamUser"]


def __getattr__(name: str) -> Any:
    if name == "StreamUser":
        from .stream_user import StreamUser

        return StreamUser
    if name == "Measurement":
        from .measurement import Measurement

        return Measurement
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
