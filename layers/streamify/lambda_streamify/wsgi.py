"""WSGI apps (PEP 3333), such as Flask's and Django's, in the function's own process: no server and no port.

Choices that PEP 3333 leaves open, and points where it is stricter than servers are:

* Each chunk that is not empty is sent before the app produces the next one.
* Headers of a connection, such as Transfer-Encoding, are dropped without an error. So is Content-Length: the body is
  neither cut to it nor checked against it.
* An exception of the app is an error of the function, which Lambda counts and answers with 502. A server would answer
  with 500. After the first byte, the error is sent at the end of the stream.
* The response ends before the iterable's `close` is called, also after an error, so that the client does not wait for
  it. An exception of `close` is then logged, and changes nothing.
"""

import sys
from io import BytesIO
from urllib.parse import unquote_to_bytes

from ._core import current
from ._core.files import FileBody
from ._response.inline import open_stream, streaming
from ._web.http_event import HttpEvent
from .errors import ChunkTypeError, HandlerError, ResponseError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any

    from ._response.writer import ResponseWriter

    Environ = dict[str, Any]
    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    App = Callable[[Environ, Callable[..., Callable[[bytes], object]]], Iterable[bytes]]


def handler(app: "App", *, base_path: "str | None" = None) -> "Callable[[Any, Any], Any]":
    """Return a Lambda handler that answers HTTP requests with the WSGI app `app`, and streams the chunks it yields.

        lambda_handler = wsgi.handler(app)

    `base_path` is the prefix of the client's path that the app's routes do not contain, such as "/v1" for the mapping
    of a custom domain. It becomes SCRIPT_NAME. The default is the stage, if the client's path contains it. The environ
    has the handler's arguments as "aws.event" and "aws.context".

    Raises HandlerError if `app` cannot be called. The handler raises HandlerError for an event that is not an HTTP
    request.
    """
    if not callable(app):
        raise HandlerError(f"the app is a {type(app).__name__}; it must be a WSGI application, a callable")

    @streaming
    def handle(event: "Any", context: "Any") -> "dict[str, Any]":
        return _run(app, environ(event, context, base_path))

    return handle


def _run(app: "App", request: "Environ") -> "dict[str, Any]":
    answer = _Response()
    try:
        chunks = app(request, answer.start)
        try:
            for chunk in chunks:
                answer.write(chunk)
            answer.end()
        except BaseException as error:
            invocation = current.running.get()
            if invocation is not None:
                invocation.failed(error)
            _close(chunks, raises=False)
            raise
        _close(chunks, raises=not _is_collected())
        return answer.summary()
    finally:
        answer.is_over = True


def _close(chunks: object, *, raises: bool) -> None:
    close = getattr(chunks, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception:
        if raises:  # the runtime logs the error
            raise
        from logging import getLogger

        getLogger(__name__).exception("the app's response was sent, but its close() failed")


def _is_collected() -> bool:
    """Return whether the response is collected for another runtime, where an error would replace it."""
    from ._response.collecting import CollectingInvocation

    return isinstance(current.running.get(), CollectingInvocation)


class _Response:
    """The app's response. Status and headers are sent with the first chunk that is not empty, or at the end."""

    def __init__(self) -> None:
        self._started = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._cookies: list[str] = []
        self._writer: ResponseWriter | None = None
        self.is_over = False  # whether the invocation is over: a kept `write` must not write to the next one

    def start(
        self, status: str, headers: "list[tuple[str, str]]", exc_info: "ExcInfo | None" = None
    ) -> "Callable[[bytes], None]":
        """Set status and headers: PEP 3333's start_response."""
        if exc_info:
            try:
                if self._writer is not None and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # the traceback refers to this frame
        elif self._started:
            raise ResponseError("the app has called start_response twice: a second call must come with exc_info")
        self._status = _status_code(status)
        self._headers, self._cookies = _fields(headers)
        self._started = True
        return self.write

    def write(self, chunk: "Any") -> None:
        """Send one chunk now, the first one with status and headers. This is also PEP 3333's `write`."""
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise ChunkTypeError(
                f"the WSGI app has yielded {type(chunk).__name__}; it must yield bytes: encode text, and return [body]"
                " if the body is one bytes object"
            )
        if chunk:
            self._open().write(chunk)

    def end(self) -> None:
        """End the response. Its body may be empty."""
        self._open().close()

    def summary(self) -> "dict[str, Any]":
        """Return status and headers, as handlers decorated with `streaming` do."""
        return {"statusCode": self._status, "headers": self._headers, "body": ""}

    def _open(self) -> "ResponseWriter":
        if self._writer is None:
            if not self._started:
                raise ResponseError(
                    "the WSGI app has set no status: it must call start_response before it sends a chunk"
                )
            if self.is_over:
                raise StreamStateError("the request is over, so nothing more can be written to its response")
            self._writer = open_stream(self._status, self._headers, self._cookies)
        return self._writer


def _status_code(status: object) -> int:
    code = status.partition(" ")[0] if isinstance(status, str) else ""
    if len(code) == 3 and code.isdecimal():
        return int(code)
    raise ResponseError(f"start_response was given the status {status!r}; it must be text such as '404 Not Found'")


def _fields(headers: "Iterable[tuple[str, str]]") -> "tuple[dict[str, str], list[str]]":
    """Return the headers, with repeated ones joined by commas (RFC 9110, section 5.3), and the cookies."""
    joined: dict[str, str] = {}
    names: dict[str, str] = {}
    cookies: list[str] = []
    for pair in headers:
        if not isinstance(pair, (tuple, list)) or [isinstance(part, str) for part in pair] != [True, True]:
            raise ResponseError(f"start_response was given the header {pair!r}; it must be a tuple of two strings")
        name, value = pair[0], pair[1].strip(" \t")  # surrounding white space is not part of a value (section 5.5)
        if name.lower() == "set-cookie":  # commas cannot join cookies
            cookies.append(value)
            continue
        name = names.setdefault(name.lower(), name)
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined, cookies


def environ(event: "Any", context: "Any", base_path: "str | None" = None) -> "Environ":
    """Return the request in `event` as PEP 3333's environ. Its strings are bytes decoded as Latin-1."""
    http = HttpEvent(event, base_path)
    script_name = http.root_path.encode("utf-8")
    query = http.query_string.decode("latin-1")
    uri = http.raw_path.decode("latin-1") + (f"?{query}" if query else "")
    host, port = http.server
    values: Environ = {
        "REQUEST_METHOD": http.method,
        "SCRIPT_NAME": script_name.decode("latin-1"),
        "PATH_INFO": unquote_to_bytes(http.raw_path)[len(script_name) :].decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": uri,  # the percent-encoded path, under the names that uWSGI and gunicorn use
        "RAW_URI": uri,
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{http.http_version}",
        "REMOTE_ADDR": http.client[0] if http.client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": http.scheme,
        "wsgi.input": BytesIO(http.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,  # Lambda runs one process for each concurrent request
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "aws.event": event,
        "aws.context": context,
    }
    for name, value in http.headers:
        if b"_" in name:  # X_Name would look like X-Name, which a proxy may guarantee; servers drop it too
            continue
        variable = name.decode("latin-1").upper().replace("-", "_")
        if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            variable = f"HTTP_{variable}"
        text = value.decode("latin-1")
        values[variable] = f"{values[variable]},{text}" if variable in values else text
    return values


class FileWrapper:
    """PEP 3333's wsgi.file_wrapper: iterates over the blocks of a file. Closing it closes the file.

    All other attributes are those of the file: Werkzeug seeks to the range that a client requests. `block_size` is a
    suggestion, which is ignored: apps suggest a few kilobytes, and each block is sent as a chunk.
    """

    def __init__(self, file: "Any", block_size: int = 8192) -> None:
        self._file = file
        body = FileBody(file)
        self._blocks = iter(body)
        self.close = body.close

    def __iter__(self) -> "FileWrapper":
        return self

    def __next__(self) -> "Any":
        return next(self._blocks)

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._file, name)
