"""The response of aws-sdk-lambda's `invoke_with_response_stream`, read in an event loop: the twin of `ReceivedStream`.

Source: aws-sdk-lambda 0.12, whose output has the events as `output_stream`. An event has a `value`, which has either a
`payload` or the fields of InvokeComplete.
"""

from ..errors import StreamFailed, StreamStateError
from ._invoke_complete import broke_off, decoded, reported
from ._lines import TextLineParser
from ._prelude import PRELUDE_TYPE, PreludeParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator
    from typing import Any, Protocol

    class SdkOutput(Protocol):
        """What is used of the SDK's output."""

        @property
        def output_stream(self) -> AsyncIterable[Any]: ...
        @property
        def output(self) -> Any: ...
        async def close(self) -> None: ...


def aread_stream(output: "SdkOutput", *, prelude: "bool | None" = None) -> "AsyncReceivedStream":
    """The stream in `output`, which `AsyncLambdaClient.invoke_with_response_stream` of aws-sdk-lambda returns.

        output = await client.invoke_with_response_stream(InvokeWithResponseStreamInput(function_name="story"))
        async with aread_stream(output) as stream:
            async for chunk in stream:
                print(chunk)

    `prelude` says whether the stream begins with a prelude. With None, its content type or its first bytes decide.
    Raises StreamFailed if `output` holds no stream.
    """
    if not hasattr(output, "output_stream"):
        raise StreamFailed(
            f"an object of type {type(output).__name__} has no output_stream: "
            "pass what aws-sdk-lambda's invoke_with_response_stream returns"
        )
    if prelude is None and getattr(output.output, "response_stream_content_type", None) == PRELUDE_TYPE:
        prelude = True
    return AsyncReceivedStream(output, prelude=prelude)


class AsyncReceivedStream:
    """An asynchronous iterator over the chunks of one response, each of them bytes, as they arrive.

    A stream that failed raises StreamFailed after its last chunk. `prelude`, `status_code`, `headers` and `cookies` are
    those of `ReceivedStream`. They are there from the beginning of the `async with` block, which waits until it is
    certain whether there is a prelude.

    `log_result` is the last 4 KB of the function's log, available at the end if the call has log_type="Tail".
    """

    def __init__(self, output: "SdkOutput", *, prelude: "bool | None" = None) -> None:
        self.log_result: str | None = None
        self._output = output
        self._payloads = self._read_events()
        self._parser = PreludeParser(prelude)
        self._held: list[bytes] = []  # payloads of the body that are not handed out yet
        self._failure: StreamFailed | None = None
        self._closed = False

    @property
    def prelude(self) -> "dict[str, Any] | None":
        """The prelude as it was sent, or None if there is none."""
        if not self._parser.is_certain:
            raise StreamStateError("the prelude is not read yet: use the stream inside an async with block")
        return self._parser.prelude

    @property
    def status_code(self) -> "int | None":
        """The status of the prelude, 200 if the prelude names none; None without a prelude."""
        return None if self.prelude is None else self.prelude.get("statusCode", 200)

    @property
    def headers(self) -> "dict[str, str]":
        """The headers of the prelude, named as they were sent; {} without a prelude."""
        return (self.prelude or {}).get("headers") or {}

    @property
    def cookies(self) -> "list[str]":
        """The cookies of the prelude, each the value of a Set-Cookie header; [] without a prelude."""
        return (self.prelude or {}).get("cookies") or []

    def __aiter__(self) -> "AsyncIterator[bytes]":
        return self

    async def __anext__(self) -> bytes:
        await self._read_prelude()
        chunk = self._held.pop(0) if self._held else await self._next_payload()
        if chunk is not None:
            return chunk
        failure = self._failure or self._parser.failure
        self._failure = self._parser.failure = None
        if failure is not None:
            raise failure
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """The rest of the stream. If it fails, the StreamFailed has what arrived as its `partial`."""
        chunks: list[bytes] = []
        try:
            async for chunk in self:
                chunks.append(chunk)  # noqa: PERF401 - they would be lost with the error
        except StreamFailed as failure:
            failure.partial = b"".join(chunks)
            raise
        return b"".join(chunks)

    async def lines(self) -> "AsyncIterator[str]":
        """The lines, which are UTF-8, without their line ends. See `ReceivedStream.lines`."""
        parser = TextLineParser()
        try:
            async for chunk in self:
                for line in parser.feed(chunk):
                    yield line
        except StreamFailed:
            for line in parser.cut():
                yield line
            raise
        for line in parser.end():
            yield line

    async def close(self) -> None:
        """Close the connection. The function does not notice, and runs to its end."""
        self._closed = True
        await self._output.close()

    async def __aenter__(self) -> "AsyncReceivedStream":
        try:
            await self._read_prelude()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _read_prelude(self) -> None:
        while not self._parser.is_certain:
            payload = await self._next_payload()
            self._held += self._parser.end() if payload is None else self._parser.feed(payload)

    async def _next_payload(self) -> "bytes | None":
        if self._closed:
            raise StreamStateError("the stream is closed: read it inside its async with block")
        async for payload in self._payloads:
            return payload
        return None

    async def _read_events(self) -> "AsyncIterator[bytes]":
        """The payloads that are not empty. After the last one, `_failure` says whether the stream failed."""
        complete = None
        try:
            async for event in self._output.output_stream:
                value = getattr(event, "value", None)
                if hasattr(value, "error_code"):
                    complete = value
                elif payload := getattr(value, "payload", None):
                    yield payload
        except Exception as error:  # noqa: BLE001 - the SDK's or aiohttp's, neither of which can be named here
            if complete is None:
                self._failure = broke_off(error)
                return
        if complete is None:
            self._failure = broke_off(None)
            return
        self.log_result = decoded(complete.log_result)
        fields = {"ErrorCode": complete.error_code, "ErrorDetails": complete.error_details}
        self._failure = reported(fields, self.log_result)
