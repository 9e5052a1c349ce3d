"""The advice of `streamify doctor`: known causes of buffering, and how to fix each.

The response's headers point to some causes. If none does, the advice names the causes that leave no trace in headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .envelope import PRELUDE, PROXY
from .proxies import seen_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .symptoms import Symptoms

RECORD_BOTH_LAYERS = (
    "To see whether the function or something behind it buffers, record both layers: run "
    "`streamify serve --record DIR`, send one request, then pass both files to `streamify doctor`."
)
FLUSH_EACH_RECORD = (
    "Something on the way holds a small chunk until more bytes arrive. Write something after each record, such as an "
    "SSE comment (`: \\n\\n`), to push it out."
)
_ONE_YIELD = "If the function yields once, it sends one chunk: yield each record as soon as it exists."
_BLOCKING = (
    "A list, a join or `.read()` before the first yield collects everything: yield items as the source delivers them."
)
_ASYNC = (
    "An `async def` generator that reads from a blocking SDK streams with this runtime. Under a server that sends from "
    "another task, everything leaves at the end: there, read from the SDK in a thread."
)
_SOURCE = (
    "The source may buffer: botocore's StreamingBody and its `iter_lines` read 1,024 bytes at a time, and Bedrock "
    "agents have been seen to send everything in one chunk. Record at the layer `yield` to see what the function "
    "received."
)
_NO_CLUE = "No header shows what buffers it. Proxies and the developer tools of browsers may: compare with `curl -N`."
_MODE = (
    "It has a Content-Length: it was complete before it was sent. The URL needs `InvokeMode: RESPONSE_STREAM`, and the "
    "function needs the layer and `AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify`."
)
_IDLE = (
    "A proxy may have closed the connection because it was silent: raise the proxy's timeout, or have "
    "`keepalive(body, every=15)` send something while the function is silent."
)
_FAILED = "The function may have failed after its first byte, or reached its timeout: its log says so."
_PROXY_AT_URL = (
    "The function sends a whole response as one JSON object, to a URL that streams and so passes it on unchanged. "
    "To stream, give the function the layer and `AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify`, and remove "
    "`STREAMIFY_INVOKE_MODE: buffered` and `STREAMIFY_DISABLE`. Otherwise set `InvokeMode: BUFFERED` at the URL."
)
_PROXY_AT_API = (
    "At a REST API: set `STREAMIFY_INVOKE_MODE: response_stream` for the function, or remove "
    "`ResponseTransferMode: RESPONSE_STREAM` from the event."
)
_PRELUDE_AT_URL = (
    "The function streams, to a URL that does not: set `InvokeMode: RESPONSE_STREAM` at the URL. Otherwise set "
    "`STREAMIFY_INVOKE_MODE: buffered` for the function."
)
_PRELUDE_AT_API = (
    "At a REST API: set `ResponseTransferMode: RESPONSE_STREAM` for the event. HTTP APIs and load balancers do not "
    "stream: there, set `STREAMIFY_INVOKE_MODE: buffered`."
)
_ENVELOPE = {PROXY: (_PROXY_AT_URL, _PROXY_AT_API), PRELUDE: (_PRELUDE_AT_URL, _PRELUDE_AT_API)}


def is_error(symptoms: Symptoms) -> bool:
    """Whether the response is an HTTP error, which says nothing about how the function's own response comes."""
    return symptoms.head is not None and symptoms.head["status_code"] >= 400


def in_function(symptoms: Symptoms) -> list[str]:
    """Return the advice for a response that the runtime itself wrote in a burst."""
    own = [_ONE_YIELD, _BLOCKING] if symptoms.verdict == "piece" else [_BLOCKING]
    return [*own, _SOURCE, _ASYNC]


def on_the_way(symptoms: Symptoms) -> list[str]:
    """Return the advice for a response that was buffered between the runtime and the client.

    Proxies come first: many of them compress and add a Content-Length themselves.
    """
    head: Mapping[str, Any] = symptoms.head or {"headers": {}, "status_code": 200}
    headers = _headers(head)
    proxies = seen_in(headers)
    found = []
    if is_error(symptoms):
        hints = [proxy.error for proxy in proxies if head["status_code"] >= 500]
        found.append(
            _join(f"The status is {head['status_code']}: an error, which is sent in one piece. See its body.", hints)
        )
    found += [f"It came through {proxy.name}: {proxy.buffering}." for proxy in proxies]
    encoding = headers.get("content-encoding", "identity")
    if encoding != "identity":
        hints = [proxy.compression for proxy in proxies]
        found.append(
            _join(f"It is compressed ({encoding}): compression holds text back. Do not compress streams.", hints)
        )
    if "content-length" in headers and not is_error(symptoms):
        found.append(_MODE)
    return found or [_NO_CLUE]


def on_cut(symptoms: Symptoms) -> list[str]:
    """Return the advice for a response that was cut off: proxies that are seen come first."""
    seen = seen_in(_headers(symptoms.head or {"headers": {}}))
    return [*(f"It came through {proxy.name}: {proxy.idle}." for proxy in seen if proxy.idle), _IDLE, _FAILED]


def _join(text: str, hints: Iterable[str]) -> str:
    return " ".join([text, *filter(None, hints)])


def _headers(head: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value).lower() for name, value in head["headers"].items()}


def on_envelope(form: str) -> list[str]:
    """Return the advice for a body that is the envelope of a response."""
    return list(_ENVELOPE[form])


def blocks(size: int) -> list[str]:
    """Return the advice for a response that arrived in blocks of one size."""
    if size == 1024:
        reader = "botocore's StreamingBody reads such blocks, unless `iter_chunks(size)` sets another size"
    else:
        reader = "files are usually read in such blocks"
    return [f"Everything came in blocks of {size:,} bytes, so up to {size - 1:,} bytes were held back: {reader}."]
