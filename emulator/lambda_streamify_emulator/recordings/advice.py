"""What `streamify doctor` says of causes: those that users met, each with its sign and the way out.

The signs are in the response's headers; without one, the causes that leave none are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .doctor import Symptoms

BOTH = (
    "To tell the function from what is behind it, record both: `streamify serve --record DIR`, one request, "
    "then `streamify doctor` with the two files."
)
PUSH = (
    "Something on the way holds a small chunk until more comes. A write behind each record, such as an SSE comment "
    "(`: \\n\\n`), pushes it out."
)
_ONE_YIELD = "If the function yields once, one piece is all there is: yield each record when it is made."
_BLOCKING = "A list, a join or `.read()` before the first yield collects everything: yield from the source as it comes."
_ASYNC = (
    "An `async def` generator over a blocking SDK streams with this runtime; under a server that sends from another "
    "task, all goes out at the end. There, read the SDK in a thread."
)
_SOURCE = (
    "The source may hold it: botocore's StreamingBody and its `iter_lines` read 1,024 bytes at a time, and Bedrock's "
    "agents were seen to send one chunk for all. Record at the layer `yield` to see what the function got."
)
_NO_SIGN = "No header tells who held it. Proxies and browsers' developer tools may; ask with `curl -N` to compare."
_MODE = (
    "It has a Content-Length: it was whole before it was sent. The URL needs `InvokeMode: RESPONSE_STREAM`, and the "
    "function the layer with `AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify`."
)
_CLOUDFRONT = (
    "It came through CloudFront: ask the function URL itself to compare, and have no compression on that path."
)
_HTTP_API = "It came through an HTTP API of API Gateway, which does not stream: use a function URL or a REST API."
_REST_API = (
    "It came through a REST API of API Gateway, which streams only where that is set: in SAM, the event's "
    "`ResponseTransferMode: RESPONSE_STREAM`; any other value buffers without a word."
)
_NGINX = "It came through nginx: `proxy_buffering off`, or the response header `X-Accel-Buffering: no`."


def in_function(symptoms: Symptoms) -> list[str]:
    """What to look at if the runtime wrote it so."""
    own = [_ONE_YIELD, _BLOCKING] if symptoms.verdict == "piece" else [_BLOCKING]
    return [*own, _SOURCE, _ASYNC]


def on_the_way(symptoms: Symptoms) -> list[str]:
    """What to look at between the runtime and the client."""
    head: Mapping[str, Any] = symptoms.head or {"headers": {}, "status_code": 200}
    headers = {name.lower(): str(value).lower() for name, value in head["headers"].items()}
    found = []
    if head["status_code"] >= 400:
        found.append(f"The status is {head['status_code']}: an error, which is sent whole. What says its body?")
    encoding = headers.get("content-encoding", "identity")
    if encoding != "identity":
        found.append(f"It is compressed ({encoding}): a compressor holds text back. Do not compress streams.")
    if "content-length" in headers:
        found.append(_MODE)
    signs = {
        _CLOUDFRONT: "x-amz-cf-id" in headers,
        _HTTP_API: "apigw-requestid" in headers,
        _REST_API: "x-amz-apigw-id" in headers,
        _NGINX: "nginx" in headers.get("server", ""),
    }
    found += [text for text, shows in signs.items() if shows]
    return found or [_NO_SIGN]


def blocks(size: int) -> list[str]:
    """What to look at if all came in blocks of one size."""
    who = "botocore's StreamingBody, unless `iter_chunks(size)` sets another size" if size == 1024 else "files, mostly"
    return [f"All came in blocks of {size:,} bytes, so up to {size - 1:,} were held back. Read so are {who}."]
