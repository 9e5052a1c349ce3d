import re
from pathlib import Path

import pytest

from lambda_streamify_emulator.recordings.recording import Event
from lambda_streamify_emulator.recordings.recording_file import reading
from lambda_streamify_emulator.testing.result import StreamResult, end_event

ERROR = Event(9, "e", {"type": "Function.KeyError", "message": "'a'"})


def answer(*chunks: str, error: bool = False, framing: str = "runtime") -> StreamResult:
    events = [Event(1000 * number, "o", chunk) for number, chunk in enumerate(chunks, 1)]
    if error:
        return StreamResult("chat", [*events, ERROR, end_event(10_000, "error", [])], framing)
    return StreamResult("chat", [*events, end_event(10_000, "end", [])], framing)


def test_two_chunks_are_a_stream() -> None:
    answer("a", "b").assert_streamed()
    answer("a", "b", error=True).assert_streamed()


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (answer("abc"), "the whole body, 3 bytes, came as one chunk, with no other chunk after it.\nHave the handler"),
        (answer("a"), "the whole body, 1 byte, came as one chunk"),
        (answer(), "its response with status 200 has no body."),
        (answer("a", error=True), "it failed with Function.KeyError: 'a'"),
        (answer("a", "b", framing="buffered"), "its URL has the invoke mode BUFFERED, which collects every response."),
        (answer("no", framing="client"), "the emulator answered with status 200 without running it: b'no'"),
    ],
)
def test_any_other_response_fails_with_the_reason(result: StreamResult, reason: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(f"chat did not stream: {reason}")):
        result.assert_streamed()


def differs(got: StreamResult, expected: StreamResult, *, borders: bool = True) -> list[str]:
    with pytest.raises(AssertionError) as caught:
        got.assert_matches(expected.recording(), borders=borders)
    start = "chat did not answer as recorded in the recording: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start).splitlines()


def test_the_same_chunks_match() -> None:
    answer("a", "b").assert_matches(answer("a", "b").recording())
    answer().assert_matches(answer().recording())
    answer("a", error=True).assert_matches(answer("a", error=True).recording())


def test_without_borders_the_same_bytes_match() -> None:
    answer("ab", "c").assert_matches(answer("a", "bc").recording(), borders=False)

    assert differs(answer("ab", "c"), answer("a", "bc"))[-1].endswith("borders=False ignores that.")


def test_the_first_difference_is_shown_with_the_bytes_around_it() -> None:
    got, expected = answer("a", "x" * 100 + "y" + "x" * 100), answer("a", "x" * 201)

    assert differs(got, expected) == [
        "chunks[1] differs",
        f"  expected  chunks[1], 201 bytes, at 2.00 ms: ...b'{'x' * 48}'...",
        f"  got       chunks[1], 201 bytes, at 2.00 ms: ...b'{'x' * 24}y{'x' * 23}'...",
    ]
    assert differs(got, expected, borders=False)[0] == "byte 101 of the body differs"


def test_a_chunk_too_many_or_too_few_is_shown() -> None:
    assert differs(answer("a"), answer("a", "b"))[1:] == [
        "  expected  chunks[1], 1 byte, at 2.00 ms: b'b'",
        "  got       no chunks[1]: 1 chunk, 1 byte in all",
    ]
    assert differs(answer("a", "b"), answer("a"), borders=False)[1:] == [
        "  expected  no chunks[1]: 1 chunk, 1 byte in all",
        "  got       chunks[1], 1 byte, at 2.00 ms: b'b'",
    ]


def test_a_different_end_is_a_difference() -> None:
    assert differs(answer("a"), answer("a", error=True)) == [
        "the bytes are the same, the end differs",
        "  expected  error (Function.KeyError: 'a')",
        "  got       end",
    ]


def test_a_recording_that_was_cut_is_compared_up_to_its_last_chunk(tmp_path: Path) -> None:
    path = tmp_path / "cut.ndjson"
    path.write_text('{"version":1,"kind":"lambda-stream","layer":"client"}\n[1,"o","a"]\n')

    answer("a", "b").assert_matches(path)
    answer("a", "b").assert_matches(str(path), borders=False)
    with reading(path) as reader:
        answer("a", "b").assert_matches(reader)
    with pytest.raises(AssertionError, match=re.escape(f"as recorded in {path}: chunks[0] differs")):
        answer("b").assert_matches(path)
