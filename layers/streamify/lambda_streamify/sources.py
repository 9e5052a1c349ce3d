"""Who sent this event, and how that caller must be answered.

The Runtime API does not say whether an invocation was asked for buffered or streamed, nor by which service; the event
does (each service's event format in the AWS Lambda Developer Guide), and `STREAMIFY_INVOKE_MODE` says the rest.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

# Ways to answer.
JSON = "json"  # the value as JSON, as AWS's runtime sends it
PRELUDE = "prelude"  # status, headers and cookies before the body, which may stream
RAW = "raw"  # the chunks and nothing else
COLLECTED = "collected"  # everything in one piece: a proxy dict for HTTP callers, else the bytes

# Ways to spell the headers of a response in one piece: API Gateway's payload formats 2.0 and 1.0; load balancers with
# multi-value headers, which read no others, and without ("Use Lambda functions as targets" in their user guide).
COOKIES = "cookies"  # one value a header, and a list of cookies
REPEATED = "repeated"  # one value a header, and multiValueHeaders for several
ALL_REPEATED = "all repeated"  # multiValueHeaders for all
SINGLE = "single"  # one value a header, and nothing else

# Values of STREAMIFY_INVOKE_MODE.
AUTO, RESPONSE_STREAM, BUFFERED = MODES = ("auto", "response_stream", "buffered")


class Source:
    """A kind of caller: how to recognise its events and how to answer a plain value and a stream."""

    def __init__(
        self, name: str, matches: "Callable[[Mapping[str, Any], Mapping[str, Any]], bool]", plain: str, stream: str
    ) -> None:
        self.name = name
        self.matches = matches  # of the event and its requestContext
        self.plain = plain
        self.stream = stream
        self.http = name != "direct"

    def answer(self, mode: str, *, streamed: bool) -> str:
        """How to answer, given STREAMIFY_INVOKE_MODE and whether the handler returned a stream."""
        if mode == BUFFERED:
            return COLLECTED if streamed else JSON
        if mode == RESPONSE_STREAM and self is REST_API:
            return PRELUDE  # an integration with responseTransferMode STREAM unwraps no proxy dict
        return self.stream if streamed else self.plain


# A streaming URL does not unwrap {"statusCode": ...} itself, so even a plain value needs a prelude.
FUNCTION_URL = Source(
    "function URL", lambda _, context: ".lambda-url." in str(context.get("domainName")), PRELUDE, PRELUDE
)
WEBSOCKET = Source("WebSocket API", lambda _, context: "connectionId" in context, JSON, COLLECTED)
LOAD_BALANCER = Source("load balancer", lambda _, context: "elb" in context, JSON, COLLECTED)
HTTP_API = Source(
    "HTTP API",  # its payload format 1.0 looks like a REST API's event, but names its version
    lambda event, context: "http" in context or ("httpMethod" in event and "version" in event),
    JSON,
    COLLECTED,
)
REST_API = Source("REST API", lambda event, context: "httpMethod" in event and bool(context), JSON, PRELUDE)
DIRECT = Source("direct", lambda _, __: True, JSON, RAW)

SOURCES = (FUNCTION_URL, WEBSOCKET, LOAD_BALANCER, HTTP_API, REST_API, DIRECT)  # the first that matches


def source_of(event: object) -> Source:
    """The kind of caller that sends events such as this one."""
    if not isinstance(event, dict):
        return DIRECT
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return DIRECT
    return next(source for source in SOURCES if source.matches(event, context))


def http_method(event: "Mapping[str, Any]") -> str:
    """The HTTP method of an HTTP caller's event, in either payload format."""
    http = event["requestContext"].get("http")
    return str(http.get("method") if isinstance(http, dict) else event.get("httpMethod"))


def header_style(event: object) -> str:
    """How whoever sent `event` reads the headers of a response in one piece, one of the ways above."""
    source = source_of(event)
    if not isinstance(event, dict) or not source.http or "httpMethod" not in event:
        return COOKIES
    if source is not LOAD_BALANCER:
        return REPEATED
    return ALL_REPEATED if "multiValueHeaders" in event else SINGLE
