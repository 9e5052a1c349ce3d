"""CORS of function URLs: recognizes preflight requests, and adds headers to other responses.

Sources: Fetch standard, "CORS-preflight request"; AWS Lambda Developer Guide, "Creating and managing Lambda function
URLs": the URL itself answers preflight requests. To other responses it adds its headers, even if the function has set
the same ones; a browser that gets a header twice refuses the response.
"""

from collections.abc import Mapping, Sequence

from .asgi import Message, Send

Headers = Sequence[tuple[str, str]]
_SAFELISTED = ("GET", "HEAD", "POST")  # Fetch standard, "CORS-safelisted method"


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the request is a preflight request of a browser (Fetch standard, "CORS-preflight request")."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_outcome(request: Mapping[str, str], answer: Headers) -> str:
    """Return "preflight", or "preflight refused: …" with what the browser will not do, for the log.

    `request` are the headers of the preflight request, `answer` those of its response. The browser compares them
    (Fetch standard, "CORS-preflight fetch"): GET, HEAD and POST need no permission, and * allows neither the header
    Authorization nor anything to requests with credentials.
    """
    given = {name.lower(): value for name, value in answer}
    origin, method = request.get("origin", ""), request.get("access-control-request-method", "")
    any_value = set() if "access-control-allow-credentials" in given else {"*"}
    methods = {*_items(given.get("access-control-allow-methods", "")), *_SAFELISTED}
    allowed = {name.lower() for name in _items(given.get("access-control-allow-headers", ""))}
    wanted = [name.lower() for name in _items(request.get("access-control-request-headers", ""))]
    missing = [name for name in wanted if name not in allowed and (name == "authorization" or not allowed & any_value)]
    if origin and given.get("access-control-allow-origin") not in ("*", origin):
        return f"preflight refused: the origin {origin} is not allowed"
    if method and method not in methods and not methods & any_value:
        return f"preflight refused: the method {method} is not allowed"
    if missing:
        return f"preflight refused: the header {missing[0]} is not allowed"
    return "preflight"


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def add_headers(send: Send, headers: Headers) -> Send:
    """Return a `send` that adds these headers to the response."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *pairs]}
        await send(message)

    return send_more


def find_duplicates(headers: Headers, added: Headers) -> list[str]:
    """Return the names of the CORS headers that are in both the function's `headers` and the `added` ones."""
    names = {name for name, _ in added if name.startswith("access-control-")}
    return [name for name, _ in headers if name.lower() in names]
