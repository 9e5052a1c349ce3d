"""The HTTP request in an event, whichever service has sent it: a function URL, API Gateway or a load balancer.

Sources: AWS Lambda Developer Guide, "Invoking Lambda function URLs"; API Gateway Developer Guide, "Input format of a
Lambda function for proxy integration" and "Create AWS Lambda proxy integrations for HTTP APIs"; Elastic Load Balancing,
"Use Lambda functions as targets". What each of them decodes was seen in events that others have published
(github.com/hotsock/voker, pull request 8).
"""

from urllib.parse import quote, unquote, urlencode

from . import sources
from .errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_PATH_SAFE = "/!$&'()*+,;=:@~"  # what a path may hold besides letters, digits and escapes (RFC 3986, section 3.3)


class HttpEvent:
    """One HTTP request. Raises HandlerError for an event that is none.

    `root_path` is the beginning of the client's path that the app does not route by. By default it is the stage of an
    API Gateway that is called by its own domain name, else empty. If it is given, it stands in the place of the stage,
    and before a path that does not begin with it already.

    method          str, in capitals
    root_path       str, decoded; "" or "/prefix"
    path            str, decoded, with `root_path` before it
    raw_path        bytes, `path` with its escapes: as the client wrote them, unless the event holds a decoded path
    query_string    bytes, with escapes: as the client wrote it, or written anew where the event holds decoded values
    headers         list of (name, value), both bytes, names in lower case; `cookie` once, content-length the body's
    body            bytes
    client          (address, 0): no event knows the client's port; None if the address is not there either
    server          (host, port)
    scheme          "http" or "https"
    http_version    "1.0", "1.1" or "2", of the client's request
    """

    def __init__(self, event: "Any", root_path: "str | None" = None) -> None:
        source = sources.source_of(event)
        _check(source, event)
        context: Mapping[str, Any] = event["requestContext"]
        http: Mapping[str, Any] = context.get("http") or {}
        self.method = sources.http_method(event).upper()
        stage, path = _split_stage(source, context, event.get("rawPath") or event.get("path") or "/")
        decoded = source is sources.HTTP_API
        self.path = path if decoded else unquote(path)
        self.raw_path = quote(path, safe=_PATH_SAFE).encode("ascii") if decoded else path.encode("utf-8")
        self.root_path = (stage if root_path is None else _prefix(root_path)).rstrip("/")
        if self.root_path and not _begins(self.path, self.root_path):
            self.path = self.root_path + self.path
            self.raw_path = quote(self.root_path, safe=_PATH_SAFE).encode("ascii") + self.raw_path
        self.query_string = _query_string(source, event).encode("utf-8")
        self.body = _body(event)
        self.headers = _headers(event, self.body)
        address = http.get("sourceIp") or (context.get("identity") or {}).get("sourceIp")
        if source is sources.LOAD_BALANCER:  # it adds the address it has seen to what the client claims
            address = self.header(b"x-forwarded-for").rpartition(",")[2].strip()
        self.client: tuple[str, int] | None = (address, 0) if address else None
        self.scheme = "http" if self.header(b"x-forwarded-proto").lower() == "http" else "https"
        self.server = _server(self.header(b"host") or str(context.get("domainName", "")), self._port())
        version = str(http.get("protocol") or context.get("protocol") or "").rpartition("/")[2]
        self.http_version = {"1.0": "1.0", "2": "2", "2.0": "2"}.get(version, "1.1")

    def header(self, name: bytes) -> str:
        """The value of the first header of this name, which is in lower case; "" if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    @property
    def path_info(self) -> str:
        """The path below `root_path`, decoded."""
        return self.path[len(self.root_path) :]

    def _port(self) -> int:
        port = self.header(b"x-forwarded-port")
        return int(port) if port.isdecimal() else 80 if self.scheme == "http" else 443


def _check(source: sources.Source, event: object) -> None:
    if source is sources.WEBSOCKET:
        raise HandlerError(
            "the event comes from a WebSocket API, and each of its messages is an invocation of its own: an app that"
            " speaks HTTP cannot answer it; route $connect, $disconnect and $default to a function without it"
        )
    if not source.http:
        what = (
            f"an object with {', '.join(map(repr, list(event)[:5])) or 'nothing in it'}"
            if isinstance(event, dict)
            else f"of type {type(event).__name__}"
        )
        raise HandlerError(
            f"the event is no HTTP request of a function URL, API Gateway or load balancer, but {what}: invoke the"
            " function with an event of one of these, or answer other events in a handler that passes only HTTP"
            " requests on to the app"
        )


def _split_stage(source: sources.Source, context: "Mapping[str, Any]", path: str) -> "tuple[str, str]":
    """The stage as a prefix, "" unless the client's path had it, and the path without it.

    The client writes it if it calls the API by the API's own domain name. Under a custom domain it writes the base path
    of a mapping instead, or nothing. Of that a REST API's `path` is what the client wrote, without the stage, which
    requestContext.path keeps. An HTTP API's `rawPath` has the stage under either domain, and never the base path
    (github.com/CodeGenieApp/serverless-express, issue 465); its `path`, of format 1.0, is what the client wrote.
    """
    stage = f"/{context.get('stage')}"
    if source is sources.REST_API:
        whole = context.get("path")
        return (stage, path) if isinstance(whole, str) and whole != path and _begins(whole, stage) else ("", path)
    if source is not sources.HTTP_API or not _begins(path, stage):
        return "", path
    own_domain, below = ".execute-api." in str(context.get("domainName")), path[len(stage) :] or "/"
    if own_domain:
        return stage, below
    return "", below if "http" in context else path


def _begins(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _prefix(root_path: str) -> str:
    return root_path if root_path.startswith("/") or not root_path else f"/{root_path}"


def _query_string(source: sources.Source, event: "Mapping[str, Any]") -> str:
    if "rawQueryString" in event:
        return str(event["rawQueryString"])
    pairs = list(_values(event, "multiValueQueryStringParameters", "queryStringParameters"))
    if source is sources.LOAD_BALANCER:  # it passes them on as the client wrote them
        return "&".join(f"{name}={value}" for name, value in pairs)
    return urlencode(pairs)


def _values(event: "Mapping[str, Any]", repeated: str, single: str) -> "Iterator[tuple[str, str]]":
    """Each name and value; of the two fields, the one that keeps repeats, if it is there."""
    for name, values in (event.get(repeated) or {}).items():
        for value in values:
            yield name, str(value)
    if not event.get(repeated):
        for name, value in (event.get(single) or {}).items():
            yield name, str(value)


def _headers(event: "Mapping[str, Any]", body: bytes) -> "list[tuple[bytes, bytes]]":
    headers, cookies, has_length = [], [str(cookie) for cookie in event.get("cookies") or ()], bool(body)
    for mixed, value in _values(event, "multiValueHeaders", "headers"):
        name = mixed.lower()
        if name == "cookie":
            if not event.get("cookies"):  # function URLs give them here too (aws-lambda-go, issue 597)
                cookies.append(value)
        elif name == "content-length":
            has_length = True
        elif name != "transfer-encoding":
            headers.append((_bytes(name), _bytes(value)))
    if cookies:
        headers.append((b"cookie", _bytes("; ".join(cookies))))
    if has_length:  # REST APIs leave it out, and of a body that was decoded on the way it is another one
        headers.append((b"content-length", b"%d" % len(body)))
    return headers


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _body(event: "Mapping[str, Any]") -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        from binascii import Error, a2b_base64

        try:
            return a2b_base64(body)
        except (Error, ValueError) as error:
            raise HandlerError(f"the event says isBase64Encoded, but its body is not base64: {error}") from error
    return str(body).encode("utf-8")


def _server(host: str, port: int) -> "tuple[str, int]":
    """The Host header taken apart; its own port goes first. An IPv6 address loses its brackets."""
    name, colon, own = host.rpartition(":")
    if colon and own.isdecimal() and not name.endswith(":"):
        host, port = name, int(own)
    return host.strip("[]"), port
