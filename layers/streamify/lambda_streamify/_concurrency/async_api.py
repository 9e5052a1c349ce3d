"""A client of the Runtime API whose calls wait in the event loop, while other invocations go on.

AWS's Rust runtime runs several invocations in one process in the same way: each task has a connection of its own
(`lambda_runtime` 1.1, `run_concurrent`). So there is one client for each worker.
"""

from .._runtime.context import InvocationRequest
from .._runtime.runtime_api import NEXT, Post, RuntimeApi, _NoReply
from .._wire import framing
from .._wire.outgoing import MSG_DONTWAIT, Outgoing, SendFailed, ready
from ..errors import RequestRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Sequence

_BOTH_DIRECTIONS = 2  # socket.SHUT_RDWR


class AsyncRuntimeApi(RuntimeApi):
    """A RuntimeApi for coroutines.

    The methods that send a whole request, such as `respond`, only prepare it here; `send_prepared` sends it. So the
    code around them need not be asynchronous, nor need the hooks of monitoring tools.
    """

    def __init__(self, address: str, user_agent: str) -> None:
        super().__init__(address, user_agent)
        self._prepared: tuple[str, Outgoing, framing.ResponseParser] | None = None

    @property
    def has_prepared(self) -> bool:
        """Whether `send_prepared` has a request to send."""
        return self._prepared is not None

    async def next_async(self, loop: "AbstractEventLoop") -> InvocationRequest:
        """Do the same as `next`, for coroutines."""
        head = self._head("GET", NEXT)
        was_connected = self._socket is not None
        try:
            parser = await self._get(loop, head)
        except _NoReply:
            if not was_connected:
                raise
            parser = await self._get(loop, head)
        if parser.status != 200:
            raise RequestRefused("next", parser.status, parser.body)
        return InvocationRequest(parser.headers, parser.body)

    async def send_prepared(self, loop: "AbstractEventLoop") -> None:
        """Send the request that a method has prepared, if there is one, and read the answer."""
        if self._prepared is None:
            return
        (name, outgoing, answer), self._prepared = self._prepared, None
        outgoing.state = "failed"  # as `complete` sets it: from now on bytes may have been sent
        await self._exchange_async(loop, outgoing, answer)
        self._check(name, answer)

    def abort(self) -> None:
        """Make the calls in progress fail with ConnectionLost."""
        if self._socket is not None:
            try:
                self._socket.shutdown(_BOTH_DIRECTIONS)
            except OSError:
                pass  # the Runtime API has closed the connection already

    async def _get(self, loop: "AbstractEventLoop", head: bytes) -> framing.ResponseParser:
        answer = framing.ResponseParser()
        await self._exchange_async(loop, Outgoing(self._connection(), (head,)), answer)
        return answer

    async def _exchange_async(
        self, loop: "AbstractEventLoop", outgoing: Outgoing, answer: framing.ResponseParser
    ) -> None:
        """Send the request, and read its answer. If this is cancelled, the connection is closed."""
        try:
            try:
                await outgoing.drain(loop)
            except SendFailed:
                pass  # `_receive` reads an early answer that says why, or raises because there is none
            while not self._receive(answer, MSG_DONTWAIT):
                await ready(loop, self._connection(), send=False, listen=True)
        except BaseException:  # a cancellation too: the rest of this answer would be read as the next one
            self.close()
            raise
        self._receive(answer)  # it is complete; this closes a connection that the Runtime API does not keep

    def _post(
        self,
        name: str,
        path: str,
        body: bytes,
        headers: "Sequence[tuple[str, str]]",
        request: "InvocationRequest | None" = None,
    ) -> None:
        """Prepare a whole request. The one prepared last is sent."""
        head = self._head("POST", path, [*headers, ("Content-Length", str(len(body)))])
        answer = framing.ResponseParser()
        outgoing = Post(self._connection(), (head, body) if body else (head,), answer, self._receive)
        if request is not None:
            request.answer = outgoing
        self._prepared = name, outgoing, answer
