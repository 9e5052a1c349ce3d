"""The Runtime API client. The only module that opens sockets and knows the Runtime API's paths.

It keeps one connection, over a blocking socket without a timeout: the process may be frozen for hours while it waits in
/next, and with a timeout Python would poll before each send. Nagle's algorithm is off, because it would delay a small
chunk until the reader's next acknowledgement (measured: 43 ms). If the connection is closed, a GET of /next is repeated
once on a new one. A POST never is, since it may have been accepted. A forked process never uses the connection.
"""

import os
from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket

from .._wire import framing
from .._wire.outgoing import MSG_DONTWAIT, Outgoing, SendFailed, is_raised_below
from .._wire.response_stream import ResponseStream
from ..errors import ConnectionLost, RequestRefused, StreamStateError
from .context import InvocationRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The AWS Lambda Developer Guide, "Using the Lambda runtime API".
_VERSION = "/2018-06-01/runtime"
NEXT = f"{_VERSION}/invocation/next"
_RESPONSE = f"{_VERSION}/invocation/%s/response"
_ERROR = f"{_VERSION}/invocation/%s/error"
_INIT_ERROR = f"{_VERSION}/init/error"
_RESTORE_NEXT = f"{_VERSION}/restore/next"
_RESTORE_ERROR = f"{_VERSION}/restore/error"

ACCEPTED, _INVOCATION_ID = 202, "lambda-runtime-invocation-id"
_JSON = [("Content-Type", "application/json")]
_XRAY_CAUSE_LIMIT_BYTES = 1024 * 1024  # AWS's runtimes send no larger cause
_RECEIVE_SIZE_BYTES = 64 * 1024  # from 128 KiB on, malloc maps and unmaps pages for each call of recv
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3


class RuntimeApi:
    """A client for the Runtime API at `address`, which is `host:port` as in AWS_LAMBDA_RUNTIME_API.

    Its methods raise RequestRefused for any status but success, ConnectionLost if there is no answer, and
    StreamStateError in a process forked from the one that created the client.
    """

    def __init__(self, address: str, user_agent: str) -> None:
        self.address = address
        self.user_agent = user_agent
        self._process = os.getpid()
        self._socket: socket | None = None
        self._stream_fields: dict[str, str] = {}  # header fields by content type, the same for each stream

    def next(self) -> InvocationRequest:
        """Wait for the next invocation. For Lambda, the call ends the previous invocation."""
        head = self._head("GET", NEXT)
        was_connected = self._socket is not None
        try:
            parser = self._exchange(head)
        except _NoReply:
            if not was_connected:
                raise
            parser = self._exchange(head)
        if parser.status != 200:
            raise RequestRefused("next", parser.status, parser.body)
        return InvocationRequest(parser.headers, parser.body)

    # The next two methods and `post_init_error` have the names of AWS's runtime. Monitoring tools wrap them on the
    # class, to send what they have gathered. So one of the two is called after the handler returns, even if the answer
    # has been sent: then `sent` is true, and nothing is sent again.

    def post_invocation_result(
        self, request: InvocationRequest, result: bytes, content_type: str = "", *, sent: bool = False
    ) -> None:
        """Send a buffered answer."""
        if not sent:
            self.respond(request, result, content_type)

    def post_invocation_error(
        self, request: InvocationRequest, report: bytes, cause: str = "", *, sent: bool = False
    ) -> None:
        """Send an error: `report` as JSON, and `cause` as X-Ray represents it."""
        if sent:
            return
        headers = [*_JSON, *_invocation_id_header(request)]
        if 0 < len(cause) < _XRAY_CAUSE_LIMIT_BYTES:
            headers.append(("Lambda-Runtime-Function-XRay-Error-Cause", cause))
        self._post("error", _ERROR % _quoted_id(request), report, headers, request)

    def respond(self, request: InvocationRequest, result: bytes, content_type: str) -> None:
        """Send a buffered answer while the handler runs."""
        headers = [("Content-Type", content_type), *_invocation_id_header(request)]
        self._post("response", _RESPONSE % _quoted_id(request), result, headers, request)

    def post_init_error(self, report: bytes, error_type: str) -> None:
        """Report that the function cannot start. Only allowed before the first `next`."""
        self._post("init/error", _INIT_ERROR, report, _error_headers(error_type))

    def restore_next(self) -> None:
        """Report that the snapshot can be taken, with no connection open in it. Returns after it is restored."""
        try:
            parser = self._exchange(self._head("GET", _RESTORE_NEXT))
        finally:
            self.close()
        if parser.status != 200:
            raise RequestRefused("restore/next", parser.status, parser.body)

    def post_restore_error(self, report: bytes, error_type: str) -> None:
        """Report that the function cannot continue after its snapshot was restored."""
        self._post("restore/error", _RESTORE_ERROR, report, _error_headers(error_type))

    def stream(
        self, request: InvocationRequest, content_type: str, factory: "Callable[..., ResponseStream] | None" = None
    ) -> ResponseStream:
        """Return a streamed response to `request`. Nothing is sent yet.

        If an observer watches the stream, `factory` creates it. It takes the arguments of ResponseStream.
        """
        fields = self._stream_fields.get(content_type)
        if fields is None:
            names = [("Host", self.address), ("User-Agent", self.user_agent), ("Content-Type", content_type)]
            fields = self._stream_fields[content_type] = framing.fields([*names, *framing.STREAMING_HEADERS])
        if _INVOCATION_ID in request.headers:
            fields += framing.fields(_invocation_id_header(request))
        head = framing.head("POST", _RESPONSE % _quoted_id(request), fields)
        answer = framing.ResponseParser()
        return (factory or ResponseStream)(
            self._socket or self._connection(), head, lambda flags=0: self._read_stream_answer(answer, flags)
        )

    @property
    def is_forked(self) -> bool:
        """Whether the function has forked this process from the one that created the client."""
        return os.getpid() != self._process

    def check_process(self) -> None:
        """Raise StreamStateError in a forked process."""
        if self.is_forked:
            raise StreamStateError(
                "a process that the function has forked cannot write to the response, nor return from the handler:"
                " let it pass its results to its parent process, and end it with os._exit"
            )

    def close(self) -> None:
        """Close the connection. The next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            _connected_apis.discard(self)

    def _connection(self) -> socket:
        """Return the connected socket. Opens it if there is none."""
        if self._socket is None:
            self.check_process()
            host, _, port = self.address.rpartition(":")
            family = AF_INET6 if host.startswith("[") else AF_INET
            connection = socket(family, SOCK_STREAM)
            connection.settimeout(None)  # the function may have called socket.setdefaulttimeout
            try:
                connection.connect((host.strip("[]"), int(port)))
                connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            except (OSError, ValueError, OverflowError) as error:  # the last two are for an invalid port
                connection.close()
                if is_raised_below(error):
                    raise
                raise ConnectionLost(f"cannot connect to the Runtime API at {self.address!r}: {error}") from error
            self._socket = connection
            _connected_apis.add(self)
        return self._socket

    def _receive(self, parser: framing.ResponseParser, flags: int = 0) -> bool:
        """Read a response, or with MSG_DONTWAIT the bytes available. Returns whether the response is complete."""
        connection = self._socket
        try:
            while not parser.complete:
                if connection is None:
                    self.check_process()
                    raise ConnectionResetError("closed by the runtime")  # noqa: TRY301 - as `recv` would
                data = connection.recv(_RECEIVE_SIZE_BYTES, flags)
                if not data:
                    if parser.end():
                        break
                    raise ConnectionResetError("closed before the answer was complete")  # noqa: TRY301 - as `recv` would
                parser.feed(data)
        except OSError as error:
            is_signal_handlers = is_raised_below(error)
            if flags and isinstance(error, BlockingIOError) and not is_signal_handlers:
                return False
            self.close()
            if is_signal_handlers:
                raise
            kind = ConnectionLost if parser.started else _NoReply
            raise kind(f"the connection to the Runtime API at {self.address} broke: {error}") from error
        except BaseException:  # a signal handler's error too: the rest of this answer would be read as the next one
            self.close()
            raise
        if not parser.keeps_connection and not flags:
            self.close()
        return True

    def _head(self, method: str, path: str, headers: "Sequence[tuple[str, str]]" = ()) -> bytes:
        return framing.request_head(method, path, [("Host", self.address), ("User-Agent", self.user_agent), *headers])

    def _exchange(self, head: bytes) -> framing.ResponseParser:
        answer = framing.ResponseParser()
        try:
            Outgoing(self._connection(), (head,)).flush()
        except SendFailed:
            pass  # `_receive` reads an early answer that says why, or raises because there is none
        self._receive(answer)
        return answer

    def _post(
        self,
        name: str,
        path: str,
        body: bytes,
        headers: "Sequence[tuple[str, str]]",
        request: "InvocationRequest | None" = None,
    ) -> None:
        """Send a whole request, and read the answer. A signal handler's error during the send is raised afterwards."""
        head = self._head("POST", path, [*headers, ("Content-Length", str(len(body)))])
        answer = framing.ResponseParser()
        outgoing = Post(self._connection(), (head, body) if body else (head,), answer, self._receive)
        if request is not None:
            request.answer = outgoing
        interruption = None
        try:
            interruption = outgoing.complete()
        except SendFailed:
            pass  # as above
        self._receive(answer)
        self._check(name, answer)
        if interruption is not None:
            raise interruption

    def _read_stream_answer(self, answer: framing.ResponseParser, flags: int) -> bool:
        complete = self._receive(answer, flags)
        if complete:
            self._check("response", answer)
        return complete

    def _check(self, name: str, answer: framing.ResponseParser) -> None:
        if answer.status != ACCEPTED:
            self.close()  # the server may not have read the whole body, whose rest is still in the connection
            raise RequestRefused(name, answer.status, answer.body)


_connected_apis: "set[RuntimeApi]" = set()


def close_connections() -> None:
    """Close the connections of this process. Those that a newly forked process inherits stay open in its parent."""
    for api in tuple(_connected_apis):
        api.close()


os.register_at_fork(after_in_child=close_connections)


class Post(Outgoing):
    """A whole request. Its answer may arrive before it is sent; if that is a refusal, sending stops."""

    may_answer_early = True

    def __init__(
        self,
        connection: socket,
        buffers: "tuple[bytes, ...]",
        answer: framing.ResponseParser,
        receive: "Callable[[framing.ResponseParser, int], bool]",
    ) -> None:
        super().__init__(connection, buffers)
        self._answer = answer
        self._receive = receive

    def read_early_answer(self) -> None:
        """Read what has arrived of the answer."""
        if self._receive(self._answer, MSG_DONTWAIT):
            self.may_answer_early = False
            if self._answer.status != ACCEPTED:
                raise SendFailed  # the answer says why


class _NoReply(ConnectionLost):
    """The connection ended before the first byte of an answer."""


def _invocation_id_header(request: InvocationRequest) -> "list[tuple[str, str]]":
    """Return the header that says to which attempt an answer belongs, if /next sent one."""
    invocation_id = request.headers.get(_INVOCATION_ID)
    return [("Lambda-Runtime-Invocation-Id", invocation_id)] if invocation_id else []


def _error_headers(error_type: str) -> "list[tuple[str, str]]":
    return [*_JSON, ("Lambda-Runtime-Function-Error-Type", framing.error_name(error_type))]


def _quoted_id(request: InvocationRequest) -> str:
    if _UNRESERVED.issuperset(request.request_id):
        return request.request_id
    return "".join(c if c in _UNRESERVED else "".join(f"%{b:02X}" for b in c.encode()) for c in request.request_id)
