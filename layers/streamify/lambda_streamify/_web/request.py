"""The HTTP request in an event, as a handler reads it.

Sources: for queries and forms, the URL standard, "application/x-www-form-urlencoded"; for cookies, RFC 6265,
section 4.2; for repeated headers, RFC 9110, section 5.3.
"""

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import parse_qsl, unquote_to_bytes

from .._core import fast_json
from ..errors import BadRequest
from .http_event import HttpEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_FORM = "application/x-www-form-urlencoded"
_SHOWN_LIMIT = 100  # characters of a client's text in an error message


class Request:
    """The HTTP request in an `event` of a function URL, API Gateway or a load balancer.

        def handler(event, context):
            request = Request(event)
            prompt = request.json()["prompt"]

    Raises HandlerError if the event is not an HTTP request. Each part is read at its first use. A client's mistake in
    that part then raises BadRequest, which becomes a response with status 400.

    method           str, upper case
    path             str, decoded, without the stage of an API Gateway
    query            MultiDict, the names and values after the `?`, decoded
    headers          Headers, a mapping whose names may be in any case
    cookies          dict of names and values, as the client sent them: values are not decoded
    client_address   str, the IP address of the client, or None if the event does not have it
    body             bytes
    text             str, the body, which is UTF-8
    """

    def __init__(self, event: "Mapping[str, object]") -> None:
        self._http = HttpEvent(event)
        self.method = self._http.method

    @cached_property
    def path(self) -> str:
        path = _text(unquote_to_bytes(self._http.raw_path), "the path")
        return path[len(self._http.root_path) :]

    @cached_property
    def query(self) -> "MultiDict":
        return _parsed(self._http.query_string, "the query")

    @cached_property
    def headers(self) -> "Headers":
        return Headers(self._http.fields)

    @cached_property
    def cookies(self) -> "dict[str, str]":
        cookies: dict[str, str] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.partition("=")
            if equals:  # the first of several with one name has the longest path (RFC 6265, section 5.4)
                cookies.setdefault(name.strip(), value.strip())
        return cookies

    @property
    def client_address(self) -> "str | None":
        client = self._http.client
        return client[0] if client else None

    @property
    def body(self) -> bytes:
        return self._http.body

    @cached_property
    def text(self) -> str:
        return _text(self.body, "the body")

    def json(self) -> "Any":
        """Return the value of the body. Raises BadRequest if it is not JSON (RFC 8259, without NaN and infinities)."""
        if not self.body:
            raise BadRequest("the body is empty; it must be JSON")
        try:
            return fast_json.parse(self.text)
        except ValueError as error:
            reason = str(error).partition("; ")[0]  # the rest explains how a program can allow longer integers
            raise BadRequest(f"the body is not JSON: {reason}") from error
        except RecursionError as error:
            raise BadRequest("the body is JSON that is nested too deeply to be read") from error

    def form(self) -> "MultiDict":
        """Return the fields of a body of type application/x-www-form-urlencoded. Raises BadRequest for another type.

        multipart/form-data, the type of forms with files, is another type.
        """
        content_type = self.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            raise BadRequest(f"the body is multipart/form-data, which is not supported; send a form of type {_FORM}")
        if kind != _FORM:
            raise BadRequest(f"the content type is {_shown(content_type)}; it must be {_FORM}")
        return _parsed(self.body, "the form")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self._http.raw_path.decode()}>"


class MultiDict(dict[str, str]):
    """Names and values in which a name may occur several times. As a dict, it has the last value of each name."""

    def __init__(self, pairs: "Iterable[tuple[str, str]]" = ()) -> None:
        self._pairs = list(pairs)
        super().__init__(self._pairs)

    def get_all(self, name: str) -> "list[str]":
        """Return all values of this name, in order; an empty list if there are none."""
        return [value for key, value in self._pairs if key == name]


class Headers(Mapping[str, str]):
    """The headers of a request: a mapping whose names may be in any case.

    It iterates the names in lower case. A comma joins the values of a header that was sent several times, as in the
    events of function URLs and HTTP APIs.
    """

    def __init__(self, fields: "Iterable[tuple[str, str]]" = ()) -> None:
        self._values: dict[str, str] = {}
        for original_name, value in fields:
            name = original_name.lower()
            self._values[name] = f"{self._values[name]}, {value}" if name in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> "Iterator[str]":
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values})"


def _parsed(encoded: bytes, what: str) -> MultiDict:
    text = _text(encoded, what)
    try:
        return MultiDict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} contains percent-encoded bytes that are not UTF-8") from error


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8: {error.reason} at byte {error.start}") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}...")
