"""A test with the fixture of the pytest plugin, as users write it: both type checkers accept every line."""

from lambda_streamify_emulator.testing import Streamify, StreamResult


def test_the_function_streams(streamify: Streamify) -> None:
    result: StreamResult = streamify.invoke("HelloFunction", {"name": "value"})
    chunks: list[bytes] = result.chunks
    status: int = result.status_code
    result.assert_streamed()
    assert (status, b"".join(chunks)) == (200, result.body)
    if result.error is not None:
        kind: str = result.error.type
        raise AssertionError(kind)
