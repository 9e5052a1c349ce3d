"""A connection of a runtime to the Runtime API. It reads one request after another and answers each before the next."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Protocol, cast

from ..invocations.bandwidth import TokenBucket
from ..invocations.channel import ResponseChannel
from .wire import CONTINUE, Answer, ChunkEnd, End, Event, Fault, Head, RequestReader, render

# Go's HTTP server reads this much of a refused body, then answers and closes the connection.
DISCARD_LIMIT_BYTES = 256 * 1024
# Before the connection is closed: closing at once could lose the answer if the client still sends.
LINGER_TIMEOUT_S = 0.5


class Call(ABC):
    """One call while its request is read."""

    refusal: Answer | None = None
    """The answer if the call is refused, possibly halfway: the rest of the body is discarded."""
    channel: ResponseChannel | None = None
    """Where the body goes; while it is full, the connection is not read."""
    bandwidth: TokenBucket | None = None
    """The bandwidth limit of the body, if it has one."""

    def body(self, data: bytes) -> None:  # noqa: B027 - most calls have none
        """Handle the next bytes of the request's body."""

    def end_chunk(self) -> None:  # noqa: B027 - most calls have no chunks
        """Handle the end of a chunk of the body."""

    @abstractmethod
    def done(self, trailers: Mapping[str, str]) -> Answer | None:
        """Handle the end of the request; return the answer, or None if it is given later."""

    def truncate(self) -> Answer | None:  # noqa: B027 - a truncated call may need no handling
        """Handle a request that ends before it is complete; return an answer, which may not reach the runtime."""


class Refusal(Call):
    """A call that is refused."""

    def __init__(self, answer: Answer) -> None:
        self.refusal = answer

    def done(self, trailers: Mapping[str, str]) -> Answer | None:
        return self.refusal


class Endpoints(Protocol):
    """What a connection needs from the Runtime API."""

    def connected(self, connection: "RuntimeConnection") -> None:
        """Register an open connection."""

    def disconnected(self, connection: "RuntimeConnection") -> None:
        """Forget a closed connection."""

    def open(self, connection: "RuntimeConnection", head: Head) -> Call:
        """Return the call for a request with this head."""

    def warn(self, text: str) -> None:
        """Log a warning for the author of the runtime."""


class OtherApi(Protocol):
    """Another API at the same address."""

    def open(self, connection: "RuntimeConnection", head: Head) -> Call | None:
        """Return the call for a request with this head; None if its path is not one of this API."""

    def disconnected(self, connection: "RuntimeConnection") -> None:
        """Forget a closed connection."""


class RuntimeConnection(asyncio.Protocol):
    """One connection of the runtime."""

    def __init__(self, api: Endpoints) -> None:
        self.received = 0
        """The number of bytes received so far."""
        self.half_closed = False
        """Whether the runtime has stopped sending; it may have closed the connection, or may still read."""
        self._api = api
        self._reader = RequestReader(chunk_ends=True)
        self._events: deque[Event] = deque()
        self._head = Head("", "", {}, "1.1", keep_alive=True)
        self._call: Call | None = None
        self._discarded = 0
        self._awaits_answer = False  # the answer to the current call is given later
        self._is_write_paused = False  # the runtime does not read its answers
        self._running = False
        self._discarding = False  # further data is discarded
        self._linger_timer: asyncio.TimerHandle | None = None
        self._throttle_timer: asyncio.TimerHandle | None = None

    @property
    def is_held_up(self) -> bool:
        """Whether the body of a response waits here for its client, or for bandwidth."""
        channel = self._call.channel if self._call else None
        return self._throttle_timer is not None or (channel is not None and channel.is_full)

    def abort(self) -> None:
        """Reset the connection."""
        self._transport.abort()

    def end_call(self, answer: Answer) -> None:
        """Answer the request that is being read, unless it is refused already, and close the connection."""
        if self._call is not None and self._call.refusal is None:
            self._hang_up(answer)

    def answer(self, answer: Answer) -> None:
        """Answer the call that waits for its answer."""
        self._awaits_answer = False
        self._reply(answer)
        if not self._running:
            self._run()

    # --- called by asyncio -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._api.connected(self)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self._discarding:
            self._events.extend(self._reader.feed(data))
            self._run()

    def eof_received(self) -> bool:
        self.half_closed = True
        answer = self._truncate()
        if answer is not None:
            self._reply(answer, keep_alive=False)
        # Some clients close their side after the request and then wait for the answer.
        return self._awaits_answer

    def pause_writing(self) -> None:
        self._is_write_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._run()

    def connection_lost(self, _: Exception | None) -> None:
        self._discarding = True
        self._events.clear()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        if self._throttle_timer is not None:
            self._throttle_timer.cancel()
        self._truncate()
        self._api.disconnected(self)

    # --- the requests ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Process the events that have been read, up to a call whose answer is given later."""
        self._running = True
        while self._events and not (
            self._awaits_answer or self._is_write_paused or self._discarding or self._throttle_timer
        ):
            event = self._events.popleft()
            if isinstance(event, bytes):
                self._body(event)
            elif isinstance(event, ChunkEnd):
                self._border()
            elif isinstance(event, Head):
                self._begin(event)
            elif isinstance(event, End):
                self._complete(event)
            else:
                self._break_off(event)
        self._running = False
        self._pace()

    def _pace(self) -> None:
        """Continue reading, or pause for the slower side: the client of the response, or the runtime's own reading."""
        if self._discarding or self._transport.is_closing():
            return
        channel = self._call.channel if self._call else None
        if channel is not None and channel.is_full:
            self._transport.pause_reading()
            channel.call_when_room(self._pace)
        elif self._events or self._is_write_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
            if self.half_closed and not self._awaits_answer:
                self._transport.close()

    def _begin(self, head: Head) -> None:
        self._head = head
        self._discarded = 0
        self._call = Refusal(head.problem) if head.problem else self._api.open(self, head)
        if head.awaits_continue:
            if self._call.refusal is not None:
                self._hang_up(self._call.refusal)
            else:
                self._transport.write(CONTINUE)

    def _body(self, data: bytes) -> None:
        assert self._call is not None
        if self._call.refusal is None:
            bucket = self._call.bandwidth
            passing = len(data) if bucket is None else bucket.take(len(data), self._now())
            if passing:
                self._call.body(data[:passing])
            if bucket is not None and passing < len(data):
                self._events.appendleft(data[passing:])
                self._throttle_timer = self._loop.call_later(bucket.wait(self._now()), self._go_on)
        else:
            self._discarded += len(data)
            if self._discarded > DISCARD_LIMIT_BYTES:
                self._hang_up(self._call.refusal)

    def _go_on(self) -> None:
        self._throttle_timer = None
        self._run()

    def _border(self) -> None:
        assert self._call is not None
        self._call.end_chunk()

    def _complete(self, end: End) -> None:
        call, self._call = self._call, None
        assert call is not None
        self._awaits_answer = True
        answer = call.refusal or call.done(end.trailers)
        if answer is not None:
            self._awaits_answer = False
            self._reply(answer)

    def _break_off(self, fault: Fault) -> None:
        self._api.warn(fault.message)
        answer = self._truncate()
        if fault.answer is None:
            self._discarding = True
            self.abort()
        else:
            self._hang_up(answer or fault.answer)

    def _truncate(self) -> Answer | None:
        """Handle the end of the connection within a request, if there is one; return the answer to it."""
        call, self._call = self._call, None
        return None if call is None else call.refusal or call.truncate()

    def _reply(self, answer: Answer, *, keep_alive: bool = True) -> None:
        if self._transport.is_closing():
            return
        keep_alive = keep_alive and self._head.keep_alive and self._head.problem is None
        self._transport.write(render(answer, version=self._head.version, keep_alive=keep_alive))
        if not keep_alive:
            self._discarding = True
            self._events.clear()
            self._transport.close()

    def _hang_up(self, answer: Answer) -> None:
        """Answer a request before it is complete, and discard the rest."""
        self._discarding = True
        self._events.clear()
        self._call = None
        if not self._transport.is_closing():
            self._transport.write(render(answer, keep_alive=False))
            self._transport.write_eof()
            self._transport.resume_reading()
            self._linger_timer = self._loop.call_later(LINGER_TIMEOUT_S, self._transport.abort)
