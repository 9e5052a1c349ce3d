"""Requests through the caller's own client of httpx: its connections, its proxies, HTTP/2.

httpx is not imported. Its two clients are described by what this module calls, so httpx2 fits as well.
"""

from ._failures import broken, unreachable
from ._http1 import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import Any, Protocol

    from ._request import Request

    class HttpxClient(Protocol):
        """What is used of `httpx.Client`."""

        def build_request(
            self, method: str, url: str, *, content: Any, headers: Any, timeout: float | None
        ) -> Any: ...  # see HttpxResponse
        def send(self, request: Any, *, stream: bool, follow_redirects: bool) -> Any: ...
        def close(self) -> None: ...

    class AsyncHttpxClient(Protocol):
        """What is used of `httpx.AsyncClient`."""

        def build_request(self, method: str, url: str, *, content: Any, headers: Any, timeout: float | None) -> Any: ...
        async def send(self, request: Any, *, stream: bool, follow_redirects: bool) -> Any: ...
        async def aclose(self) -> None: ...


class HttpxConnection:
    """One request by an `httpx.Client`, and its response: what `Connection` is, by other means."""

    def __init__(
        self,
        client: "HttpxClient",
        request: "Request",
        last_event_id: str,
        signature: "Mapping[str, str]",
        *,
        timeout: "float | None",
    ) -> None:
        self._request = request
        try:
            sent = _built(client, request, last_event_id, signature, timeout)
            self._response = client.send(sent, stream=True, follow_redirects=False)
        except Exception as error:  # httpx's, which cannot be named here
            raise unreachable(request, error) from error
        self.head = _head(self._response)
        self._parts: Iterator[bytes] = self._response.iter_raw()

    def read(self) -> bytes:
        """The next bytes of the body as they come, b"" at its end. Raises StreamCut if they do not."""
        try:
            return next(filter(None, self._parts), b"")
        except Exception as error:
            raise broken(self._request, self.head, error) from error

    def close(self) -> None:
        """Close the connection, or give it back to the client if the response is complete."""
        self._response.close()


class AsyncHttpxConnection:
    """One request by an `httpx.AsyncClient`, and its response."""

    def __init__(self, request: "Request", response: "Any") -> None:
        self._request = request
        self._response = response
        self.head = _head(response)
        self._parts: AsyncIterator[bytes] = response.aiter_raw()

    @classmethod
    async def open(
        cls,
        client: "AsyncHttpxClient",
        request: "Request",
        last_event_id: str,
        signature: "Mapping[str, str]",
        *,
        timeout: "float | None",
    ) -> "AsyncHttpxConnection":
        """Send the request, and wait for the head of its response."""
        try:
            sent = _built(client, request, last_event_id, signature, timeout)
            return cls(request, await client.send(sent, stream=True, follow_redirects=False))
        except Exception as error:
            raise unreachable(request, error) from error

    async def read(self) -> bytes:
        """The next bytes of the body as they come, b"" at its end. Raises StreamCut if they do not."""
        try:
            async for part in self._parts:
                if part:
                    return part
        except Exception as error:
            raise broken(self._request, self.head, error) from error
        return b""

    async def close(self) -> None:
        """Close the connection, or give it back to the client if the response is complete."""
        await self._response.aclose()


def _built(
    client: "HttpxClient | AsyncHttpxClient",
    request: "Request",
    last_event_id: str,
    signature: "Mapping[str, str]",
    timeout: "float | None",
) -> "Any":
    fields = [(b"host", request.host_header.encode("latin-1")), *request.fields(last_event_id, signature)]
    return client.build_request(request.method, request.url, content=request.content, headers=fields, timeout=timeout)


def _head(response: "Any") -> Head:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    return Head(response.status_code, headers)
