"""What a caller reads in an event loop, from events in the shapes of aws-sdk-lambda 0.12.

tests/ecosystem/test_aws_sdk_lambda.py reads those of the SDK itself.
"""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify.client import AsyncReceivedStream, aread_stream
from lambda_streamify.errors import StreamCut, StreamFailed, StreamStateError

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE = b'{"statusCode": 201, "headers": {"x-kind": "brief"}, "cookies": ["a=1"]}' + bytes(8)


class Output:
    """What the SDK returns."""

    def __init__(self, *events: bytes | dict[str, str] | Exception, content_type: str | None = None) -> None:
        self._events = events
        self.output = SimpleNamespace(response_stream_content_type=content_type)
        self.output_stream = self._read()
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    async def _read(self) -> AsyncIterator[Any]:
        for event in self._events:
            match event:
                case Exception():
                    raise event
                case bytes():
                    yield SimpleNamespace(value=SimpleNamespace(payload=event))
                case _:
                    fields = {"error_code": None, "error_details": None, "log_result": None, **event}
                    yield SimpleNamespace(value=SimpleNamespace(**fields))
        yield SimpleNamespace(tag="Unknown")  # a kind of event that the SDK does not know


END: dict[str, str] = {}


async def chunks_and_failure(stream: AsyncReceivedStream) -> tuple[list[bytes], StreamFailed | None]:
    chunks: list[bytes] = []
    try:
        async for chunk in stream:
            chunks.append(chunk)  # noqa: PERF401 - those before the error count
    except StreamFailed as failure:
        return chunks, failure
    return chunks, None


def test_chunks_come_without_the_prelude_and_its_fields_are_there() -> None:
    async def main() -> None:
        output = Output(PRELUDE[:30], PRELUDE[30:] + b"one", b"", b"two", {"log_result": "bG9n"})
        async with aread_stream(output) as stream:
            assert (stream.status_code, stream.headers, stream.cookies) == (201, {"x-kind": "brief"}, ["a=1"])
            assert await chunks_and_failure(stream) == ([b"one", b"two"], None)
            assert stream.log_result == "log"
        assert output.closed

    run(main())


def test_a_stream_without_a_prelude_has_none() -> None:
    async def main() -> None:
        async with aread_stream(Output(b"one", END)) as stream:
            assert (stream.prelude, stream.status_code, stream.headers, stream.cookies) == (None, None, {}, [])
            assert await stream.read() == b"one"
            assert await stream.read() == b""

    run(main())


def test_the_type_of_the_functions_own_stream_announces_a_prelude() -> None:
    async def main() -> None:
        own = Output(
            b'{"kind": "own"}' + bytes(8) + b"one",
            END,
            content_type="application/vnd.awslambda.http-integration-response",
        )
        async with aread_stream(own) as stream:
            assert stream.prelude == {"kind": "own"}

    run(main())


def test_lines_come_as_they_end_and_the_last_one_before_the_error() -> None:
    async def main() -> list[str]:
        lines = aread_stream(Output(b"one\ntw", b"o\nthr")).lines()
        given = [await lines.__anext__() for _ in range(3)]
        with pytest.raises(StreamCut, match="ended without InvokeComplete"):
            await lines.__anext__()
        return given

    assert run(main()) == ["one", "two", "thr"]


def test_all_lines_of_a_stream_that_is_complete() -> None:
    async def main() -> list[str]:
        return [line async for line in aread_stream(Output(b"one\ntwo", END)).lines()]

    assert run(main()) == ["one", "two"]


def test_an_error_of_the_function_is_raised_behind_the_chunks() -> None:
    async def main() -> None:
        end = {"error_code": "E", "error_details": '{"errorMessage": "no"}'}
        with pytest.raises(StreamFailed, match="the function failed: E: no") as caught:
            await aread_stream(Output(b"one", end)).read()
        assert (caught.value.error_code, caught.value.partial) == ("E", b"one")

    run(main())


def test_an_error_of_the_sdk_is_a_cut_before_the_end_and_nothing_behind_it() -> None:
    async def main() -> None:
        error = OSError("reset")
        chunks, failure = await chunks_and_failure(aread_stream(Output(b"one", error)))
        assert (chunks, type(failure)) == ([b"one"], StreamCut)
        assert failure is not None
        assert failure.__cause__ is error
        assert await chunks_and_failure(aread_stream(Output(b"one", END, error))) == ([b"one"], None)

    run(main())


def test_a_prelude_that_is_missing_is_raised_behind_the_chunks() -> None:
    async def main() -> None:
        async with aread_stream(Output(b"one", END), prelude=True) as stream:
            chunks, failure = await chunks_and_failure(stream)
        assert chunks == [b"one"]
        assert "should begin with a prelude" in str(failure)

    run(main())


def test_what_is_not_there_yet_or_not_any_more_is_named() -> None:
    async def main() -> None:
        stream = aread_stream(Output(b"one", END))
        with pytest.raises(StreamStateError, match="the prelude is not read yet"):
            stream.status_code  # noqa: B018 - what is tested
        async with stream:
            pass
        with pytest.raises(StreamStateError, match="the stream is closed"):
            [chunk async for chunk in stream]

    run(main())


def test_the_result_of_another_call_is_named() -> None:
    with pytest.raises(StreamFailed, match="an object of type dict has no output_stream: pass what aws-sdk-lambda's"):
        aread_stream({"EventStream": []})  # type: ignore[arg-type]
