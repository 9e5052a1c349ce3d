"""One HTTP/1.1 request, checked, as bytes. No input or output.

Source: RFC 9110 (names and values of headers), RFC 9112 (the request line, Host and the length of a body).
"""

from urllib.parse import urlsplit

from ..errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OWN_HEADERS = ("connection", "content-length", "transfer-encoding")  # they say where the body ends
_WITH_BODY = ("PATCH", "POST", "PUT")  # methods whose request has a length even if its body is empty


class Request:
    """A request that can be sent, and sent again.

    url       str, http:// or https://, in ASCII, with what is special in it percent-encoded
    method    str; by default POST if there is a body, else GET
    headers   a mapping of str to str, in addition to those that every request has
    content   the body, bytes or str, which is sent as UTF-8
    json      any JSON value but None, the body instead of `content`

    Raises RequestError for what cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        method: "str | None" = None,
        headers: "Mapping[str, str] | None" = None,
        content: "bytes | str | None" = None,
        json: object = None,
    ) -> None:
        if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
            raise RequestError(
                f"the URL {url!r} holds a character that is not allowed: percent-encode spaces and all outside ASCII"
            )
        self.url = url.partition("#")[0]
        self.scheme, self.host, self.port, self.authority, self.target = _parts(self.url)
        self.content, content_type = _body(content, json)
        self.method = method or ("GET" if self.content is None else "POST")
        if not _is_token(self.method):
            raise RequestError(f"the method {self.method!r} is not one that HTTP allows, such as GET or POST")
        self.headers = {"accept": "*/*", "accept-encoding": "identity", **content_type}
        for name, value in (headers or {}).items():
            self.headers[_name(name)] = _value(name, value)
        if self.content is not None or self.method in _WITH_BODY:
            self.headers["content-length"] = str(len(self.content or b""))

    def fields(self, last_event_id: str, signature: "Mapping[str, str]") -> "list[tuple[bytes, bytes]]":
        """The headers, without Host and Connection.

        `last_event_id` is sent as UTF-8, as the standard for server-sent events requires; "" sends none.
        """
        fields = [(name.encode(), value.encode("latin-1")) for name, value in {**self.headers, **signature}.items()]
        if last_event_id:
            fields.append((b"last-event-id", last_event_id.encode()))
        return [(name, value) for name, value in fields if name != b"host"]

    @property
    def host_header(self) -> str:
        """The value of the Host header: that of `headers`, if it is there, or the one of the URL."""
        return self.headers.get("host", self.authority)

    def encode(self, last_event_id: str, signature: "Mapping[str, str]") -> bytes:
        """The whole request. It asks the server to close the connection after its response."""
        lines = [b"%b %b HTTP/1.1" % (self.method.encode(), self.target.encode())]
        first = [(b"host", self.host_header.encode("latin-1")), (b"connection", b"close")]
        lines += [b"%b: %b" % field for field in [*first, *self.fields(last_event_id, signature)]]
        return b"\r\n".join([*lines, b"", self.content or b""])


def _parts(url: str) -> "tuple[str, str, int, str, str]":
    """The scheme, host, port, Host header and target of a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RequestError(f"the URL {url!r} is wrong: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise RequestError(f"the URL {url!r} has to begin with http:// or https:// and a host")
    if parts.username is not None:
        raise RequestError(f"the URL of {parts.hostname} holds a user name: send an Authorization header instead")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = _DEFAULT_PORTS[parts.scheme]
    authority = host if port in (None, default) else f"{host}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, default if port is None else port, authority, target


def _body(content: "bytes | str | None", json: object) -> "tuple[bytes | None, dict[str, str]]":
    """The body, and the header of its type."""
    if json is not None:
        if content is not None:
            raise RequestError("the request has two bodies, content and json: leave one of them out")
        return _json(json), {"content-type": "application/json"}
    if isinstance(content, str):
        return content.encode(), {"content-type": "text/plain; charset=utf-8"}
    if content is None or isinstance(content, (bytes, bytearray, memoryview)):
        return (None if content is None else bytes(content)), {}
    raise RequestError(f"content is of type {type(content).__name__}; it must be bytes or str, json= takes others")


def _json(value: object) -> bytes:
    from json import dumps

    try:
        return dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"json cannot be sent: {error}") from error


def _name(name: str) -> str:
    if not _is_token(name):
        raise RequestError(f"{name!r} is not the name of a header that HTTP allows")
    if name.lower() in _OWN_HEADERS:
        raise RequestError(f"the client sets the header {name} itself: leave it out")
    return name.lower()


def _value(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(f"the header {name} is {value!r}, of type {type(value).__name__}; it must be a str")
    if any(character in value for character in "\r\n\0"):
        raise RequestError(f"the header {name} holds a line break or NUL")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise RequestError(f"the header {name} is {value!r}, which is outside Latin-1: percent-encode it") from error
    return value.strip(" \t")


def _is_token(text: object) -> bool:
    return isinstance(text, str) and bool(text) and _TOKEN.issuperset(text)
