"""One row of the dashboard's list: a request to a front end, an invocation, or both if the one causes the other."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..recordings.recording import Header, RecordingWriter
from ..web.exchange import LEFT

if TYPE_CHECKING:
    from ..web.exchange import Exchange
    from .invocation import WatchedInvocation


@dataclass(eq=False)
class Row:
    """A request, an invocation, or both. `began` is in seconds since the epoch."""

    began: float
    exchange: Exchange | None = None
    """None for an invocation by the Lambda API or by the dashboard."""
    invocation: WatchedInvocation | None = None
    """None for a request that has reached no function, or not yet."""
    number: int = 0
    waited: int = 0
    """The microseconds from the begin of the request to that of its invocation, such as for requirements to install."""
    own_version: int = 0

    @property
    def version(self) -> int:
        """The number of the last change."""
        return max(self.own_version, 0 if self.invocation is None else self.invocation.version)

    @version.setter
    def version(self, number: int) -> None:
        self.own_version = number

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON. Times are in microseconds.

        The figures are the runtime's if there is an invocation, but `elapsed` and `first_byte` count from the begin of
        the request; `status` is the client's, if there is a request. Each of the `marks` is an array of the number of a
        slot, its chunks and bytes. `slot` is the length of a slot; the first one begins at `waited`.
        """
        exchange, invocation = self.exchange, self.invocation
        fields: dict[str, Any] = {
            "number": self.number,
            "began": self.began,
            "method": None,
            "target": None,
            "reason": None,
        }
        if invocation is not None:
            fields |= invocation.as_dict()
            fields["elapsed"] += self.waited
            if fields["first_byte"] is not None:
                fields["first_byte"] += self.waited
        if exchange is not None:
            if invocation is None:
                fields |= _figures(exchange)
            fields |= {
                "function": exchange.function,
                "request_id": exchange.request_id,
                "method": exchange.request.method,
                "target": exchange.target,
                "status": exchange.status,
                "reason": exchange.reason,
                "left": exchange.ending == LEFT,
            }
        return {**fields, "api": exchange and exchange.api, "waited": self.waited}

    def details(self) -> dict[str, Any]:
        """Return, for JSON, what an open row shows: the request, the head, the chunks as events, and the log."""
        exchange, invocation = self.exchange, self.invocation
        return {
            "request": None if exchange is None else _request(exchange),
            "event": invocation.event if invocation is not None and exchange is None else None,
            "head": _head(exchange, invocation),
            "chunks": [] if invocation is None else invocation.chunk_events(),
            "dropped_chunks": 0 if invocation is None else invocation.dropped_chunks,
            "error": None if invocation is None else invocation.error_report,
            "log": "" if invocation is None else invocation.log,
            "is_savable": self.is_savable,
            "is_repeatable": self.is_repeatable,
        }

    @property
    def is_savable(self) -> bool:
        """Whether there is a recording: the response of a function has ended, and all of it is kept."""
        invocation = self.invocation
        return invocation is not None and invocation.reason is not None and not invocation.dropped_chunks

    @property
    def is_repeatable(self) -> bool:
        """Whether the request, or the event if there is no request, is kept as a whole."""
        if self.exchange is not None:
            return self.exchange.is_body_kept
        return self.invocation is not None and self.invocation.event is not None

    def recording(self) -> str | None:
        """Return the text of a recording; None if there is none."""
        invocation = self.invocation
        if invocation is None or not self.is_savable:
            return None
        recorded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began))
        known = {"function": invocation.function, "request_id": invocation.request_id, "recorded": recorded}
        file = io.StringIO()
        invocation.write_to(RecordingWriter(file, Header("runtime-api", known)))
        return file.getvalue()


def _figures(exchange: Exchange) -> dict[str, Any]:
    """The figures of a request without an invocation."""
    return {
        "elapsed": exchange.elapsed(),
        "first_byte": exchange.first_byte,
        "largest_gap": None,
        "chunks": exchange.chunks,
        "bytes": exchange.bytes,
        "ending": None if exchange.ending is None else "end",
        "error": None,
        "slot": 1,
        "marks": [],
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    try:
        body: str | None = exchange.body.decode()
    except UnicodeDecodeError:
        body = None  # binary, or a long one that is cut within a character
    return {
        "method": exchange.request.method,
        "target": exchange.target,
        "headers": list(exchange.request.headers),
        "body": body,
        "body_size": exchange.body_size,
        "is_whole": exchange.is_body_kept,
        "client": exchange.request.client,
    }


def _head(exchange: Exchange | None, invocation: WatchedInvocation | None) -> dict[str, Any] | None:
    """The status and headers that the client got; those that the function sent if there is no client of HTTP."""
    if exchange is not None:
        return {"status": exchange.status, "headers": exchange.response_headers} if exchange.status else None
    if invocation is None or invocation.head is None:
        return None
    head = invocation.head
    cookies = (("set-cookie", cookie) for cookie in head.cookies)
    return {"status": head.status, "headers": [*head.headers, *cookies]}
