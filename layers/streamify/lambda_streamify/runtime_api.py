"""The Runtime API over one kept connection. The only module that opens sockets and knows the Runtime API's paths.

One blocking socket without a timeout: the process may be frozen for hours while it waits in /next, and with a timeout
Python would poll before each send. Nagle's algorithm is off, or a small chunk would wait for the reader's next
acknowledgement (measured: 43 ms). A GET of /next that finds the kept connection closed is sent once more on a new one;
a POST never is, since nobody can tell whether it was taken.
"""

from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket

from . import framing
from .errors import ConnectionLost, RequestRefused, RuntimeApiError
from .response_stream import ResponseStream, send_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# The AWS Lambda Developer Guide, "Using the Lambda runtime API".
_VERSION = "/2018-06-01/runtime"
_NEXT = f"{_VERSION}/invocation/next"
_RESPONSE = f"{_VERSION}/invocation/%s/response"
_ERROR = f"{_VERSION}/invocation/%s/error"
_INIT_ERROR = f"{_VERSION}/init/error"
_RESTORE_NEXT = f"{_VERSION}/restore/next"
_RESTORE_ERROR = f"{_VERSION}/restore/error"

ACCEPTED = 202
_CAUSE_LIMIT = 1024 * 1024  # bytes; AWS's runtimes send no larger one
_RECEIVE = 64 * 1024  # bytes per recv; from 128 KiB on malloc maps and unmaps pages for each
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3


class Request:
    """One invocation as /next hands it out: the event and its headers."""

    __slots__ = ("_headers", "body", "request_id")

    def __init__(self, headers: "Mapping[str, str]", body: bytes) -> None:
        self._headers = headers
        self.body = body
        self.request_id = headers.get("lambda-runtime-aws-request-id", "")

    def header(self, name: str) -> "str | None":
        """A header of /next, or None if it is empty; `name` in lower case, without the `lambda-runtime-` in front."""
        return self._headers.get("lambda-runtime-" + name) or None

    @property
    def content_type(self) -> "str | None":
        """The content type of the event."""
        return self._headers.get("content-type")

    @property
    def deadline_ms(self) -> int:
        """When Lambda ends the invocation, in milliseconds since the epoch."""
        return int(self.header("deadline-ms") or 0)


class RuntimeApi:
    """The Runtime API at `address`, which is `host:port` as in AWS_LAMBDA_RUNTIME_API.

    Raises RequestRefused for any status but the one that means success, ConnectionLost if no answer came.
    """

    def __init__(self, address: str, user_agent: str) -> None:
        self.address = address
        self._user_agent = user_agent
        self._socket: socket | None = None
        self._stream_fields: dict[str, str] = {}  # by content type: those of each stream are the same

    def next(self) -> Request:
        """Wait for the next invocation. Doing so tells Lambda that the one before is over."""
        head = self._head("GET", _NEXT)
        kept = self._socket is not None
        try:
            parser = self._exchange(head)
        except _NoReply:
            if not kept:
                raise
            parser = self._exchange(head)
        if parser.status != 200:
            raise RequestRefused("next", parser.status, parser.body)
        return Request(parser.headers, parser.body)

    # The names of the three methods are those of AWS's runtime: tools that monitor functions wrap them, and look for
    # them on the class, to send all that they have gathered. So one of the first two is called when the handler's call
    # is over, also if the answer went out before: `sent` says so, and nothing is sent again.

    def post_invocation_result(
        self, request: Request, result: bytes, content_type: str = "", *, sent: bool = False
    ) -> None:
        """Answer in one piece."""
        if not sent:
            self.respond(request, result, content_type)

    def post_invocation_error(self, request: Request, report: bytes, cause: str = "", *, sent: bool = False) -> None:
        """Answer with an error: `report` in JSON, and `cause` in X-Ray's form of it."""
        if sent:
            return
        headers = [("Content-Type", "application/json"), *_echo(request)]
        if 0 < len(cause) < _CAUSE_LIMIT:
            headers.append(("Lambda-Runtime-Function-XRay-Error-Cause", cause))
        self._post("error", _ERROR % _quoted(request), report, headers)

    def respond(self, request: Request, result: bytes, content_type: str) -> None:
        """Answer in one piece while the handler's call lasts."""
        headers = [("Content-Type", content_type), *_echo(request)]
        self._post("response", _RESPONSE % _quoted(request), result, headers)

    def post_init_error(self, report: bytes, error_type: str) -> None:
        """Tell that the function cannot start. Legal only before the first `next`."""
        self._post("init/error", _INIT_ERROR, report, _typed(error_type))

    def restore_next(self) -> None:
        """Tell that the snapshot can be taken; returns once it has been restored, with no connection open in it."""
        try:
            parser = self._exchange(self._head("GET", _RESTORE_NEXT))
        finally:
            self.close()
        if parser.status != 200:
            raise RequestRefused("restore/next", parser.status, parser.body)

    def post_restore_error(self, report: bytes, error_type: str) -> None:
        """Tell that the function cannot go on after its snapshot was restored."""
        self._post("restore/error", _RESTORE_ERROR, report, _typed(error_type))

    def stream(
        self, request: Request, content_type: str, factory: "Callable[..., ResponseStream] | None" = None
    ) -> ResponseStream:
        """A response to `request` that is written piece by piece. Nothing is sent yet.

        `factory` makes it, of ResponseStream's arguments, where somebody wants to watch it.
        """
        fields = self._stream_fields.get(content_type)
        if fields is None:
            names = [("Host", self.address), ("User-Agent", self._user_agent), ("Content-Type", content_type)]
            fields = self._stream_fields[content_type] = framing.fields([*names, *framing.STREAMING_HEADERS])
        head = framing.head("POST", _RESPONSE % _quoted(request), fields + framing.fields(_echo(request)))
        return (factory or ResponseStream)(self._connection(), head, self._read_stream_answer)

    def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connection(self) -> socket:
        """The kept socket, opened if there is none."""
        if self._socket is None:
            host, _, port = self.address.rpartition(":")
            family = AF_INET6 if host.startswith("[") else AF_INET
            kept = socket(family, SOCK_STREAM)
            kept.settimeout(None)  # whatever the function has given to socket.setdefaulttimeout
            try:
                kept.connect((host.strip("[]"), int(port)))
                kept.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            except (OSError, ValueError, OverflowError) as error:  # the last two: a port that is none
                kept.close()
                raise ConnectionLost(f"no connection to the Runtime API at {self.address!r}: {error}") from error
            self._socket = kept
        return self._socket

    def _receive(self) -> framing.ResponseParser:
        """Read one response. Closes the connection if it cannot be used again."""
        connection, parser = self._connection(), framing.ResponseParser()
        try:
            complete = False
            while not complete:
                data = connection.recv(_RECEIVE)
                if not data:
                    raise ConnectionResetError("closed before the answer was complete")
                complete = parser.feed(data)
        except OSError as error:
            self.close()
            kind = ConnectionLost if parser.started else _NoReply
            raise kind(f"the connection to the Runtime API at {self.address} broke: {error}") from error
        except RuntimeApiError:
            self.close()
            raise
        if parser.headers.get("connection", "").lower() == "close":
            self.close()
        return parser

    def _head(self, method: str, path: str, headers: "Sequence[tuple[str, str]]" = ()) -> bytes:
        return framing.request_head(method, path, [("Host", self.address), ("User-Agent", self._user_agent), *headers])

    def _exchange(self, head: bytes, body: bytes = b"") -> framing.ResponseParser:
        # If sending fails, the answer tells why: the server may have given it early. So does its absence.
        try:
            send_all(self._connection(), (head, body) if body else (head,))
        except OSError:
            pass
        return self._receive()

    def _post(self, name: str, path: str, body: bytes, headers: "Sequence[tuple[str, str]]") -> None:
        head = self._head("POST", path, [*headers, ("Content-Length", str(len(body)))])
        self._check(name, self._exchange(head, body))

    def _read_stream_answer(self) -> None:
        self._check("response", self._receive())

    def _check(self, name: str, answer: framing.ResponseParser) -> None:
        if answer.status != ACCEPTED:
            self.close()  # it may have answered before it read the whole body: the rest is still in the connection
            raise RequestRefused(name, answer.status, answer.body)


class _NoReply(ConnectionLost):
    """The connection ended before the first byte of an answer."""


def _echo(request: Request) -> "list[tuple[str, str]]":
    """The header that ties an answer to the attempt it belongs to; sent back only where /next had it."""
    nonce = request.header("invocation-id")
    return [("Lambda-Runtime-Invocation-Id", nonce)] if nonce else []


def _typed(error_type: str) -> "list[tuple[str, str]]":
    name = framing.error_name(error_type)
    return [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", name)]


def _quoted(request: Request) -> str:
    if _UNRESERVED.issuperset(request.request_id):
        return request.request_id
    return "".join(c if c in _UNRESERVED else "".join(f"%{b:02X}" for b in c.encode()) for c in request.request_id)
