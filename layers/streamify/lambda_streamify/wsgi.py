"""WSGI apps (PEP 3333), such as Flask's and Django's, in the function's own process: no server and no port.

Where PEP 3333 leaves a choice, or servers are more lenient than it is:

* Each chunk that is not empty is sent before the app is asked for the next one.
* Headers of one connection, such as Transfer-Encoding, are dropped and no error. So is Content-Length: nothing is cut
  to it or checked against it.
* What the app lets through is the function's error, for Lambda to count and to answer with 502; a server would answer
  with 500. From the first byte on it is told at the end of the stream.
* The response ends, well or not, before the iterable's `close` is called, so that nobody waits for what the app does
  there. What `close` raises then is logged, and changes nothing.
"""

import sys
from io import BytesIO
from urllib.parse import unquote_to_bytes

from . import current
from .errors import ChunkTypeError, HandlerError, ResponseError, StreamStateError
from .files import FileBody
from .http_event import HttpEvent
from .inline import open_stream, streaming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any

    from .writer import ResponseWriter

    Environ = dict[str, Any]
    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    App = Callable[[Environ, Callable[..., Callable[[bytes], object]]], Iterable[bytes]]


def handler(app: "App", *, base_path: "str | None" = None) -> "Callable[[Any, Any], Any]":
    """A Lambda handler that answers HTTP requests with `app`, and streams what it yields.

    `base_path` is the beginning of the client's path that the app does not route by, such as "/v1" of a custom domain's
    mapping: it becomes SCRIPT_NAME. By default that is the stage, if the client's path has one. In the environ,
    "aws.event" and "aws.context" are what Lambda has passed.

    Raises HandlerError if the app is none; the handler does for an event that is no HTTP request.
    """
    if not callable(app):
        raise HandlerError(f"the app is a {type(app).__name__}; it must be a WSGI application, which can be called")

    @streaming
    def handle(event: "Any", context: "Any") -> "dict[str, Any]":
        return _run(app, environ(event, context, base_path))

    return handle


def _run(app: "App", request: "Environ") -> "dict[str, Any]":
    answer = _Answer()
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
        _close(chunks, raises=not _is_outside())
        return answer.summary()
    finally:
        answer.over = True


def _close(chunks: object, *, raises: bool) -> None:
    close = getattr(chunks, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception:
        if raises:  # and the runtime logs it
            raise
        from logging import getLogger

        getLogger(__name__).exception("the app has answered, and its response failed to close")


def _is_outside() -> bool:
    """Whether the response is gathered for another runtime, for which an error would be all of it."""
    from .outside import Gathering

    return isinstance(current.running.get(), Gathering)


class _Answer:
    """What the app answers. Status and headers wait for the first chunk that is not empty, or for the end."""

    def __init__(self) -> None:
        self._started = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._cookies: list[str] = []
        self._writer: ResponseWriter | None = None
        self.over = False  # the invocation: what is kept of it must not write in the next one

    def start(
        self, status: str, headers: "list[tuple[str, str]]", exc_info: "ExcInfo | None" = None
    ) -> "Callable[[bytes], None]":
        """PEP 3333's start_response."""
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
        """Send one chunk now; the first one takes status and headers with it. Also PEP 3333's `write`."""
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise ChunkTypeError(
                f"the WSGI app has yielded {type(chunk).__name__}; it must yield bytes: encode text, and return [body]"
                " where the body is one piece"
            )
        if chunk:
            self._open().write(chunk)

    def end(self) -> None:
        """End the response, which may be empty."""
        self._open().close()

    def summary(self) -> "dict[str, Any]":
        """Status and headers, as handlers under `streaming` return them."""
        return {"statusCode": self._status, "headers": self._headers, "body": ""}

    def _open(self) -> "ResponseWriter":
        if self._writer is None:
            if not self._started:
                raise ResponseError("the WSGI app has given no status: it must call start_response before it answers")
            if self.over:
                raise StreamStateError("the request is over, nothing more can be written to its response")
            self._writer = open_stream(self._status, self._headers, self._cookies)
        return self._writer


def _status_code(status: object) -> int:
    code = status.partition(" ")[0] if isinstance(status, str) else ""
    if len(code) == 3 and code.isdecimal():
        return int(code)
    raise ResponseError(f"start_response was given the status {status!r}; it must be text such as '404 Not Found'")


def _fields(headers: "Iterable[tuple[str, str]]") -> "tuple[dict[str, str], list[str]]":
    """Headers, repeated ones joined with a comma (RFC 9110, section 5.3), and cookies, which cannot be joined."""
    joined: dict[str, str] = {}
    names: dict[str, str] = {}
    cookies: list[str] = []
    for pair in headers:
        if not isinstance(pair, (tuple, list)) or [isinstance(part, str) for part in pair] != [True, True]:
            raise ResponseError(f"start_response was given the header {pair!r}; it must be a tuple of two strings")
        name, value = pair[0], pair[1].strip(" \t")  # white space around it is no part of it (section 5.5)
        if name.lower() == "set-cookie":
            cookies.append(value)
            continue
        name = names.setdefault(name.lower(), name)
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined, cookies


def environ(event: "Any", context: "Any", base_path: "str | None" = None) -> "Environ":
    """The request in `event` as PEP 3333 describes it: text is bytes, decoded as latin-1."""
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
        "REQUEST_URI": uri,  # the path with its escapes, under the names that uWSGI and gunicorn give it
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
        "wsgi.multiprocess": True,  # Lambda runs as many of them as there are requests at a time
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "aws.event": event,
        "aws.context": context,
    }
    for name, value in http.headers:
        if b"_" in name:  # X_Name would pass for X-Name, which a proxy may have vouched for; servers drop it too
            continue
        variable = name.decode("latin-1").upper().replace("-", "_")
        if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            variable = f"HTTP_{variable}"
        text = value.decode("latin-1")
        values[variable] = f"{values[variable]},{text}" if variable in values else text
    return values


class FileWrapper:
    """PEP 3333's wsgi.file_wrapper: the blocks of a file, which is closed with it.

    It is an iterator, and what else is asked of it is asked of the file: Werkzeug seeks to the range that a client
    wants. `block_size` is a suggestion, and not followed: apps suggest few kilobytes, and each block is a chunk.
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
