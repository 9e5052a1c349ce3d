"""`stream` and `astream`: from a URL to a response."""

from ..errors import RequestError
from ._request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext
    from typing import overload

    from ._async_response import AsyncResponse, AsyncSource
    from ._httpx import AsyncHttpxClient, HttpxClient
    from ._response import Response, Source
    from ._signing import SigV4

_TIMEOUT_S = 60.0  # as botocore's


if TYPE_CHECKING:

    @overload
    def stream(
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        json: object = None,
        sign: SigV4 | bool = False,
        last_event_id: str = "",
        timeout: float | None = _TIMEOUT_S,
        context: SSLContext | None = None,
    ) -> Response: ...

    @overload
    def stream(
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        json: object = None,
        sign: SigV4 | bool = False,
        last_event_id: str = "",
        timeout: float | None = _TIMEOUT_S,
        client: HttpxClient,
    ) -> Response: ...


def stream(
    url: str,
    *,
    method: "str | None" = None,
    headers: "Mapping[str, str] | None" = None,
    content: "bytes | str | None" = None,
    json: object = None,
    sign: "SigV4 | bool" = False,
    last_event_id: str = "",
    timeout: "float | None" = _TIMEOUT_S,
    context: "SSLContext | None" = None,
    client: "HttpxClient | None" = None,
) -> "Response":
    """Send a request, wait for the status and the headers, and return the response, whose body is read as it comes.

        with stream("https://abc.lambda-url.us-east-1.on.aws/") as response:
            for chunk in response:
                print(chunk)

    method          str; by default POST if there is a body, else GET
    headers         a mapping of str to str
    content         the body, bytes or str
    json            the body, any JSON value but None, instead of `content`
    sign            True signs for IAM with the credentials that botocore finds; `SigV4(...)` says with which
    last_event_id   asks the server to resume behind this event, as Last-Event-ID
    timeout         seconds, by default 60: the longest wait for the connection and for the next bytes. None: no limit
    context         an ssl.SSLContext; by default the system's certificate authorities verify the server
    client          an `httpx.Client`, whose connections, proxies and settings are used instead of this module's own

    Redirects are not followed, no proxy is used without `client`, and the server is asked not to compress the body.

    Raises RequestError for a request that cannot be sent, and NoResponse if there is no response. A status of 400 or
    more is a response: see `Response.raise_for_status`.
    """
    from ._response import Response

    request = Request(url, method=method, headers=headers, content=content, json=json)
    signer = _signer(sign)
    if client is not None:
        _check_client(client, "close", context)

    def connect(resumed_id: str) -> "Source":
        signature = signer.headers(request) if signer else {}
        last_id = resumed_id or last_event_id
        if client is not None:
            from ._httpx import HttpxConnection

            return HttpxConnection(client, request, last_id, signature, timeout=timeout)
        from ._connection import Connection

        return Connection(request, last_id, signature, timeout=timeout, context=context)

    return Response(connect)


if TYPE_CHECKING:

    @overload
    def astream(
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        json: object = None,
        sign: SigV4 | bool = False,
        last_event_id: str = "",
        timeout: float | None = _TIMEOUT_S,
        context: SSLContext | None = None,
    ) -> AsyncResponse: ...

    @overload
    def astream(
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        json: object = None,
        sign: SigV4 | bool = False,
        last_event_id: str = "",
        timeout: float | None = _TIMEOUT_S,
        client: AsyncHttpxClient,
    ) -> AsyncResponse: ...


def astream(
    url: str,
    *,
    method: "str | None" = None,
    headers: "Mapping[str, str] | None" = None,
    content: "bytes | str | None" = None,
    json: object = None,
    sign: "SigV4 | bool" = False,
    last_event_id: str = "",
    timeout: "float | None" = _TIMEOUT_S,
    context: "SSLContext | None" = None,
    client: "AsyncHttpxClient | None" = None,
) -> "AsyncResponse":
    """The twin of `stream` for event loops. The request is sent when the `async with` block begins.

        async with astream("https://abc.lambda-url.us-east-1.on.aws/") as response:
            async for chunk in response:
                print(chunk)

    `client` is an `httpx.AsyncClient`. The other arguments, and the errors, are those of `stream`. botocore finds
    credentials and renews them with blocking calls.
    """
    from ._async_response import AsyncResponse

    request = Request(url, method=method, headers=headers, content=content, json=json)
    signer = _signer(sign)
    if client is not None:
        _check_client(client, "aclose", context)

    async def connect(resumed_id: str) -> "AsyncSource":
        signature = signer.headers(request) if signer else {}
        last_id = resumed_id or last_event_id
        if client is not None:
            from ._httpx import AsyncHttpxConnection

            return await AsyncHttpxConnection.open(client, request, last_id, signature, timeout=timeout)
        from ._async_connection import AsyncConnection

        return await AsyncConnection.open(request, last_id, signature, timeout=timeout, context=context)

    return AsyncResponse(connect)


def _signer(sign: "SigV4 | bool") -> "SigV4 | None":
    from ._signing import SigV4

    if isinstance(sign, SigV4):
        return sign
    if not isinstance(sign, bool):
        raise RequestError(f"sign is {sign!r}; it must be True, False or a SigV4")
    return SigV4() if sign else None


def _check_client(client: object, close: str, context: "SSLContext | None") -> None:
    """Raise RequestError for a client of the wrong kind: `close` is what only the right one has."""
    if not hasattr(client, "build_request") or not hasattr(client, close):
        kind = "httpx.Client" if close == "close" else "httpx.AsyncClient"
        raise RequestError(f"client is of type {type(client).__name__}; it must be an {kind}")
    if context is not None:
        raise RequestError("there are a client and a context: pass verify=context to the client instead")
