"""One connection of a runtime to the Runtime API: one request after the other, each answered before the next."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from ..invocations.channel import ResponseChannel
from .bandwidth import TokenBucket
from .wire import CONTINUE, Answer, Border, End, Event, Fault, Head, RequestReader, render

DISCARD_LIMIT = 256 * 1024  # bytes of a refused body that Go's HTTP server reads before it answers and hangs up
LINGER = 0.5  # seconds from then on: hanging up at once could take the answer from a client that still sends


class Call(ABC):
    """One call while its request is read."""

    refusal: Answer | None = None
    """Set when the call is not, or no longer, to be had: the rest of the body is thrown away."""
    channel: ResponseChannel | None = None
    """What the body goes to: while it is full the request is not read on."""
    bandwidth: TokenBucket | None = None
    """Says how much of the body may pass when."""

    def body(self, data: bytes) -> None:  # noqa: B027 - most calls have none
        """The next bytes of the request's body."""

    def border(self) -> None:  # noqa: B027 - most calls have no chunks
        """A chunk of the body is complete."""

    @abstractmethod
    def done(self, trailers: Mapping[str, str]) -> Answer | None:
        """The request is complete; returns the answer, or None if it comes later."""

    def cut(self) -> Answer | None:  # noqa: B027 - a call that is cut short may have nothing to say
        """The request has ended before it was complete; the answer to that may or may not arrive."""


class Refusal(Call):
    """A call that is not to be had."""

    def __init__(self, answer: Answer) -> None:
        self.refusal = answer

    def done(self, trailers: Mapping[str, str]) -> Answer | None:
        return self.refusal


class Endpoints(Protocol):
    """What a connection needs from the Runtime API."""

    def connected(self, connection: "RuntimeConnection") -> None:
        """A connection is open."""

    def disconnected(self, connection: "RuntimeConnection") -> None:
        """A connection is closed."""

    def open(self, connection: "RuntimeConnection", head: Head) -> Call:
        """The call that a request with this head makes."""

    def warn(self, text: str) -> None:
        """Tell the runtime's author something."""


class RuntimeConnection(asyncio.Protocol):
    """One connection of the runtime."""

    def __init__(self, api: Endpoints) -> None:
        self.received = 0
        """Bytes so far."""
        self.half_closed = False
        """Whether the runtime will send no more; it may have closed the connection, or still read."""
        self._api = api
        self._reader = RequestReader(borders=True)
        self._events: deque[Event] = deque()
        self._head = Head("", "", {}, "1.1", keep_alive=True)
        self._call: Call | None = None
        self._discarded = 0
        self._held = False  # an answer is to come later
        self._full = False  # the runtime does not read its answers
        self._running = False
        self._over = False  # what still comes is thrown away
        self._lingering: asyncio.TimerHandle | None = None
        self._throttling: asyncio.TimerHandle | None = None

    @property
    def is_held_up(self) -> bool:
        """Whether the body of a response waits here for its reader."""
        channel = self._call.channel if self._call else None
        return self._throttling is not None or (channel is not None and channel.is_full)

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def answer(self, answer: Answer) -> None:
        """The answer to the call that was held."""
        self._held = False
        self._reply(answer)
        if not self._running:
            self._run()

    # --- called by asyncio -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._api.connected(self)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self._over:
            self._events.extend(self._reader.feed(data))
            self._run()

    def eof_received(self) -> bool:
        self.half_closed = True
        answer = self._cut()
        if answer is not None:
            self._reply(answer, keep_alive=False)
        # Some clients end their side when they have asked, and wait.
        return self._held

    def pause_writing(self) -> None:
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._run()

    def connection_lost(self, _: Exception | None) -> None:
        self._over = True
        self._events.clear()
        if self._lingering is not None:
            self._lingering.cancel()
        if self._throttling is not None:
            self._throttling.cancel()
        self._cut()
        self._api.disconnected(self)

    # --- the requests ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Go through what has been read, up to a call whose answer is to come later."""
        self._running = True
        while self._events and not (self._held or self._full or self._over or self._throttling):
            event = self._events.popleft()
            if isinstance(event, bytes):
                self._body(event)
            elif isinstance(event, Border):
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
        """Read on, or wait for whoever is slower: the reader of the response, or of the answers."""
        if self._over or self._transport.is_closing():
            return
        channel = self._call.channel if self._call else None
        if channel is not None and channel.is_full:
            self._transport.pause_reading()
            channel.when_room(self._pace)
        elif self._events or self._full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
            if self.half_closed and not self._held:
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
                self._throttling = self._loop.call_later(bucket.wait(self._now()), self._go_on)
        else:
            self._discarded += len(data)
            if self._discarded > DISCARD_LIMIT:
                self._hang_up(self._call.refusal)

    def _go_on(self) -> None:
        self._throttling = None
        self._run()

    def _border(self) -> None:
        assert self._call is not None
        self._call.border()

    def _complete(self, end: End) -> None:
        call, self._call = self._call, None
        assert call is not None
        self._held = True
        answer = call.refusal or call.done(end.trailers)
        if answer is not None:
            self._held = False
            self._reply(answer)

    def _break_off(self, fault: Fault) -> None:
        self._api.warn(fault.message)
        answer = self._cut()
        if fault.answer is None:
            self._over = True
            self.abort()
        else:
            self._hang_up(answer or fault.answer)

    def _cut(self) -> Answer | None:
        """The request at hand, if any, will not be complete; returns the answer to that."""
        call, self._call = self._call, None
        return None if call is None else call.refusal or call.cut()

    def _reply(self, answer: Answer, *, keep_alive: bool = True) -> None:
        if self._transport.is_closing():
            return
        keep_alive = keep_alive and self._head.keep_alive and self._head.problem is None
        self._transport.write(render(answer, version=self._head.version, keep_alive=keep_alive))
        if not keep_alive:
            self._over = True
            self._events.clear()
            self._transport.close()

    def _hang_up(self, answer: Answer) -> None:
        """Answer a request before its end, if it has one, and hear no more."""
        self._over = True
        self._events.clear()
        self._call = None
        if not self._transport.is_closing():
            self._transport.write(render(answer, keep_alive=False))
            self._transport.write_eof()
            self._transport.resume_reading()
            self._lingering = self._loop.call_later(LINGER, self._transport.abort)
