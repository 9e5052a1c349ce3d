"""Which service sent an event, and the response format that it needs.

The Runtime API does not say which service invoked the function, nor whether it expects a stream. The event shows the
service (the AWS Lambda Developer Guide describes each event format), and `STREAMIFY_INVOKE_MODE` says the rest.
"""

from .._wire import framing
from .response import NO_BODY, prelude_fields, status_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .response import StreamingResponse

# Response formats.
JSON = "json"  # the value as JSON, as AWS's runtime sends it
PRELUDE = "prelude"  # status, headers and cookies, then the body, which may be streamed
RAW = "raw"  # the chunks of the body only
COLLECTED = "collected"  # a buffered response: a proxy dict for HTTP callers, the bytes of the body for others

# Header styles of a buffered response: API Gateway's payload formats 2.0 and 1.0, then load balancers with multi-value
# headers, which read no others, and without them ("Use Lambda functions as targets" in their user guide).
COOKIES = "cookies"  # one value per header, and a list of cookies
REPEATED = "repeated"  # one value per header, and multiValueHeaders for headers with several
ALL_REPEATED = "all repeated"  # multiValueHeaders for all headers
SINGLE = "single"  # one value per header only

RAW_CONTENT_TYPE = "application/octet-stream"  # of a response without a prelude

# Values of STREAMIFY_INVOKE_MODE.
AUTO, RESPONSE_STREAM, BUFFERED = MODES = ("auto", "response_stream", "buffered")


class Source:
    """A kind of caller: how to recognise its events, and the response formats for a plain value and for a stream."""

    def __init__(
        self,
        name: str,
        matches: "Callable[[Mapping[str, Any], Mapping[str, Any]], bool]",
        plain_format: str,
        stream_format: str,
    ) -> None:
        self.name = name
        self.matches = matches  # called with the event and its requestContext
        self.plain_format = plain_format
        self.stream_format = stream_format
        self.is_http = name != "direct"

    def response_format(self, mode: str, *, streamed: bool) -> str:
        """Return the response format, given STREAMIFY_INVOKE_MODE and whether the handler returned a stream."""
        if mode == BUFFERED:
            return COLLECTED if streamed else JSON
        if mode == RESPONSE_STREAM and self is REST_API:
            return PRELUDE  # an integration with responseTransferMode STREAM does not unwrap a proxy dict
        return self.stream_format if streamed else self.plain_format


# A streaming URL does not unwrap {"statusCode": ...} itself, so even a plain value needs a prelude.
FUNCTION_URL = Source(
    "function URL", lambda _, context: ".lambda-url." in str(context.get("domainName")), PRELUDE, PRELUDE
)
WEBSOCKET = Source("WebSocket API", lambda _, context: "connectionId" in context, JSON, COLLECTED)
LOAD_BALANCER = Source("load balancer", lambda _, context: "elb" in context, JSON, COLLECTED)
HTTP_API = Source(
    "HTTP API",  # an event of payload format 1.0 looks like a REST API's, but has a version
    lambda event, context: "http" in context or ("httpMethod" in event and "version" in event),
    JSON,
    COLLECTED,
)
REST_API = Source("REST API", lambda event, context: "httpMethod" in event and bool(context), JSON, PRELUDE)
DIRECT = Source("direct", lambda _, __: True, JSON, RAW)

SOURCES = (FUNCTION_URL, WEBSOCKET, LOAD_BALANCER, HTTP_API, REST_API, DIRECT)  # the first that matches applies


def source_of(event: object) -> Source:
    """Return the kind of caller that sent `event`."""
    if not isinstance(event, dict):
        return DIRECT
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return DIRECT
    for source in SOURCES:
        if source.matches(event, context):
            break
    return source


def http_method(event: "Mapping[str, Any]") -> str:
    """Return the HTTP method in the event of an HTTP caller, in either payload format."""
    http = event["requestContext"].get("http")
    return str(http.get("method") if isinstance(http, dict) else event.get("httpMethod"))


def header_style(event: object) -> str:
    """Return the header style that the sender of `event` needs in a buffered response."""
    source = source_of(event)
    if not isinstance(event, dict) or not source.is_http or "httpMethod" not in event:
        return COOKIES
    if source is not LOAD_BALANCER:
        return REPEATED
    return ALL_REPEATED if "multiValueHeaders" in event else SINGLE


class Route:
    """The response format for the sender of `event`. `mode` is STREAMIFY_INVOKE_MODE."""

    def __init__(self, event: object, mode: str) -> None:
        self.source = source = source_of(event)
        self.mode = mode
        self.response_format = source.response_format(mode, streamed=True)  # for a stream
        self._method = ""
        self.header_style = COOKIES
        if source.is_http:
            self._method = http_method(event)  # type: ignore[arg-type]
            if self.response_format == COLLECTED:
                self.header_style = header_style(event)

    def is_bodiless(self, response: "StreamingResponse") -> bool:
        """Return whether no byte of the body may be sent."""
        return self.response_format == PRELUDE and (self._method == "HEAD" or status_code(response) in NO_BODY)

    def prelude(self, response: "StreamingResponse", first: object) -> bytes:
        """Return the prelude, b"" if the caller gets none. Raises ResponseError if status or headers cannot be sent."""
        if self.response_format != PRELUDE:
            return b""
        return framing.prelude(prelude_fields(response, first, fold=self.source is not REST_API))


UNKNOWN = Route(None, AUTO)  # used until the event is read
