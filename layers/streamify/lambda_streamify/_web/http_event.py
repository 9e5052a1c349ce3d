"""The HTTP request in an event of a function URL, API Gateway or a load balancer.

Sources: AWS Lambda Developer Guide, "Invoking Lambda function URLs"; API Gateway Developer Guide, "Input format of a
Lambda function for proxy integration" and "Create AWS Lambda proxy integrations for HTTP APIs"; Elastic Load Balancing,
"Use Lambda functions as targets". Published events (github.com/hotsock/voker, pull request 8) show which values each
service decodes.
"""

from functools import cached_property
from urllib.parse import quote, unquote, urlencode

from .._response import sources
from ..errors import BadRequest, HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T", bound="str | list[Any] | dict[str, Any]")

_FRAMING = ("content-length", "transfer-encoding")  # headers that describe the body as the client sent it
# Characters allowed in a path besides letters, digits and percent-encodings (RFC 3986, section 3.3).
_PATH_SAFE = "/!$&'()*+,;=:@~"


class HttpEvent:
    """One HTTP request. Raises HandlerError if the event is not one.

    `fields`, `headers`, `query_string`, `body`, and the attributes that follow from them, are read at their first use:
    reading takes time, and a client's mistake in them raises BadRequest.

    `root_path` is the prefix of the client's path that the app's routes do not contain. By default it is the stage if
    the client called an API Gateway by the API's own domain name, else empty. A given `root_path` replaces the stage,
    and is added to a path that does not begin with it.

    method          str, upper case
    root_path       str, decoded; "" or "/prefix"
    path            str, decoded, begins with `root_path`
    raw_path        bytes, `path` percent-encoded: as the client sent it, unless the event has only the decoded path
    query_string    bytes, percent-encoded: as the client sent it, or encoded again if the event has decoded values
    fields          list of (name, value), the headers as text, names in lower case; one `cookie`
    headers         `fields` as bytes, without transfer-encoding, and with the length of `body` as content-length
    body            bytes
    client          (address, 0), since no event has the client's port; None if the event has no address
    server          (host, port)
    scheme          "http" or "https"
    http_version    "1.0", "1.1" or "2", of the client's request
    """

    def __init__(self, event: "Any", root_path: "str | None" = None) -> None:
        source = sources.source_of(event)
        _require_http(source, event)
        context: Mapping[str, Any] = event["requestContext"]
        self._source = source
        self._event: Mapping[str, Any] = event
        self._context = context
        self._http = _part(context, "http", dict)
        self.method = sources.http_method(event).upper()
        full_path = _part(event, "rawPath", str) or _part(event, "path", str) or "/"
        stage, path = _split_stage(source, context, full_path)
        decoded = source is sources.HTTP_API
        self.path = path if decoded else unquote(path)
        raw_path = _utf8(path, "path")
        self.raw_path = quote(raw_path, safe=_PATH_SAFE).encode("ascii") if decoded else raw_path
        self.root_path = (stage if root_path is None else _normalize_prefix(root_path)).rstrip("/")
        if self.root_path and not _has_prefix(self.path, self.root_path):
            self.path = self.root_path + self.path
            self.raw_path = quote(self.root_path, safe=_PATH_SAFE).encode("ascii") + self.raw_path

    @cached_property
    def query_string(self) -> bytes:
        return _utf8(_query_string(self._source, self._event), "query")

    @cached_property
    def body(self) -> bytes:
        return _body(self._event)

    @cached_property
    def fields(self) -> "list[tuple[str, str]]":
        return _fields(self._event)

    @cached_property
    def headers(self) -> "list[tuple[bytes, bytes]]":
        names = {name for name, _ in self.fields}
        headers = [(_encode_header(name), _encode_header(value)) for name, value in self.fields if name not in _FRAMING]
        if self.body or "content-length" in names:
            # REST APIs omit it, and decoding the body changes its length.
            headers.append((b"content-length", b"%d" % len(self.body)))
        return headers

    @cached_property
    def client(self) -> "tuple[str, int] | None":
        address = self._http.get("sourceIp") or _part(self._context, "identity", dict).get("sourceIp")
        if self._source is sources.LOAD_BALANCER:  # it appends the client's address to the header that the client sent
            address = self.header("x-forwarded-for").rpartition(",")[2].strip()
        return (address, 0) if address else None

    @cached_property
    def scheme(self) -> str:
        return "http" if self.header("x-forwarded-proto").lower() == "http" else "https"

    @cached_property
    def server(self) -> "tuple[str, int]":
        port = self.header("x-forwarded-port")
        number = int(port) if port.isdecimal() else 80 if self.scheme == "http" else 443
        return _server(self.header("host") or str(self._context.get("domainName", "")), number)

    @property
    def http_version(self) -> str:
        version = str(self._http.get("protocol") or self._context.get("protocol") or "").rpartition("/")[2]
        return {"1.0": "1.0", "2": "2", "2.0": "2"}.get(version, "1.1")

    def header(self, name: str) -> str:
        """Return the value of the first header with this name, given in lower case; "" if there is none."""
        return next((value for key, value in self.fields if key == name), "")

    @property
    def path_info(self) -> str:
        """The path below `root_path`, decoded."""
        return self.path[len(self.root_path) :]


def _require_http(source: sources.Source, event: object) -> None:
    if source is sources.WEBSOCKET:
        raise HandlerError(
            "the event comes from a WebSocket API, where each message is an invocation of its own and not an HTTP"
            " request: route $connect, $disconnect and $default to a function that does not read them as HTTP requests"
        )
    if not source.is_http:
        what = (
            f"an object with {', '.join(map(repr, list(event)[:5])) or 'nothing in it'}"
            if isinstance(event, dict)
            else f"of type {type(event).__name__}"
        )
        raise HandlerError(
            f"the event is not an HTTP request of a function URL, API Gateway or load balancer, but {what}: invoke the"
            " function with such an event, or answer other events in the handler before it reads them as HTTP requests"
        )


def _part(event: "Mapping[str, Any]", name: str, kind: "type[T]") -> "T":
    """Return `event[name]`, or an empty `kind` if it is missing or null. Raises HandlerError for another type."""
    value = event.get(name)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise HandlerError(
            f"{name!r} in the event is a {type(value).__name__}; in events of AWS's services it is a {kind.__name__}"
        )
    return value


def _split_stage(source: sources.Source, context: "Mapping[str, Any]", path: str) -> "tuple[str, str]":
    """Return the stage as a prefix, "" if the client's path did not contain it, and the path without the stage.

    A client's path contains the stage if the client calls the API by the API's own domain name. With a custom domain,
    it contains the base path of a mapping, or neither. A REST API's `path` is the client's path without the stage, and
    requestContext.path is the client's path. An HTTP API's `rawPath` contains the stage with both kinds of domain, and
    never the base path (github.com/CodeGenieApp/serverless-express, issue 465). Its `path`, in format 1.0, is the
    client's path.
    """
    stage = f"/{context.get('stage')}"
    if source is sources.REST_API:
        full_path = context.get("path")
        contains_stage = isinstance(full_path, str) and full_path != path and _has_prefix(full_path, stage)
        return (stage, path) if contains_stage else ("", path)
    if source is not sources.HTTP_API or not _has_prefix(path, stage):
        return "", path
    is_own_domain, below = ".execute-api." in str(context.get("domainName")), path[len(stage) :] or "/"
    if is_own_domain:
        return stage, below
    return "", below if "http" in context else path


def _has_prefix(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _normalize_prefix(root_path: str) -> str:
    return root_path if root_path.startswith("/") or not root_path else f"/{root_path}"


def _query_string(source: sources.Source, event: "Mapping[str, Any]") -> str:
    if "rawQueryString" in event:
        return _part(event, "rawQueryString", str)
    pairs = list(_values(event, "multiValueQueryStringParameters", "queryStringParameters"))
    if source is sources.LOAD_BALANCER:  # it does not decode the values
        return "&".join(f"{name}={value}" for name, value in pairs)
    return urlencode(pairs)


def _values(event: "Mapping[str, Any]", repeated: str, single: str) -> "Iterator[tuple[str, str]]":
    """Yield each name and value, from the field that keeps repeated names if the event has it."""
    several = _part(event, repeated, dict)
    for name in several:
        for value in _part(several, name, list):
            yield name, str(value)
    if not several:
        for name, value in _part(event, single, dict).items():
            yield name, str(value)


def _fields(event: "Mapping[str, Any]") -> "list[tuple[str, str]]":
    fields, cookies = [], [str(cookie) for cookie in _part(event, "cookies", list)]
    for original_name, value in _values(event, "multiValueHeaders", "headers"):
        name = original_name.lower()
        if name != "cookie":
            fields.append((name, value))
        elif not event.get("cookies"):  # function URLs send cookies in both places (aws-lambda-go, issue 597)
            cookies.append(value)
    if cookies:
        fields.append(("cookie", "; ".join(cookies)))
    return fields


def _encode_header(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRequest(f"the {what} of the request contains half of a surrogate pair, which is not text") from error


def _body(event: "Mapping[str, Any]") -> bytes:
    body = _part(event, "body", str)
    return _from_base64(body) if event.get("isBase64Encoded") else _utf8(body, "body")


def _from_base64(body: str) -> bytes:
    from binascii import Error, a2b_base64

    try:
        data = a2b_base64(body)
    except (Error, ValueError) as error:
        raise BadRequest(f"the event says isBase64Encoded, but its body is not base64: {error}") from error
    if len(body) != (len(data) + 2) // 3 * 4:  # a2b_base64 ignores characters that base64 does not have
        raise BadRequest("the event says isBase64Encoded, but its body contains characters that base64 does not have")
    return data


def _server(host: str, port: int) -> "tuple[str, int]":
    """Split a Host header. A port in it replaces `port`. An IPv6 address loses its brackets."""
    name, colon, host_port = host.rpartition(":")
    if colon and host_port.isdecimal() and not name.endswith(":"):
        host, port = name, int(host_port)
    return host.strip("[]"), port
