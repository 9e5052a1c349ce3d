import itertools
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.analysis.diff import ChunkEnd, Difference, Distance, compare, show
from lambda_streamify_emulator.errors import RecordingFileError
from lambda_streamify_emulator.recordings.recording import HIDDEN, Event, chunk_event

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'


def stream(*chunks: bytes, times: tuple[int, ...] = ()) -> list[Event]:
    stamps = times or tuple(range(10, 10 * (len(chunks) + 1), 10))
    return [chunk_event(time, chunk) for time, chunk in zip(stamps, chunks, strict=True)]


def head(status: int = 200, headers: dict[str, str] | None = None, *cookies: str) -> Event:
    return Event(0, "h", {"status_code": status, "headers": headers or {}, "cookies": list(cookies)})


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_a_stream_is_the_same_as_itself() -> None:
    comparison = compare(stream(b"one", b"two"), stream(b"one", b"two"))

    assert (comparison.difference, comparison.chunk_end, comparison.head) == (None, None, [])
    assert comparison.same_bytes
    assert comparison.distance == Distance(1, 1, 0)


@given(st.binary(), st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_the_same_bytes_are_the_same_regardless_of_chunks(data: bytes, cuts_a: list[int], cuts_b: list[int]) -> None:
    a, b = (cut(data, cuts) for cuts in (cuts_a, cuts_b))
    comparison = compare(stream(*a), stream(*b))

    assert comparison.same_bytes
    assert (comparison.chunk_end is None) == ([piece for piece in a if piece] == [piece for piece in b if piece])


@given(st.binary(), st.binary(), st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_the_first_byte_that_differs_is_found(a: bytes, b: bytes, cuts_a: list[int], cuts_b: list[int]) -> None:
    difference = compare(stream(*cut(a, cuts_a)), stream(*cut(b, cuts_b))).difference

    if a == b:
        assert difference is None
    else:
        assert difference is not None
        at = difference.offset
        assert a[:at] == b[:at]
        assert a[at : at + 1] != b[at : at + 1]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    offsets = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(offsets)]


def test_a_difference_is_reported_with_its_offset_chunks_and_bytes() -> None:
    a, b = stream(b"one", b"x" * 50 + b"A" + b"y" * 50), stream(b"on", b"e" + b"x" * 50, b"B")

    assert compare(a, b).difference == Difference(
        offset=53, chunk_a=2, chunk_b=3, bytes_a=f"…b'{'x' * 16}A{'y' * 15}'…", bytes_b="b'B'"
    )


def test_a_stream_that_ends_earlier_differs_at_its_end() -> None:
    difference = Difference(3, None, 2, None, "b'two'")

    assert compare(stream(b"one"), stream(b"one", b"two")).difference == difference
    assert compare(stream(b"one", b"two"), stream(b"one")).difference == Difference(3, 2, None, "b'two'", None)
    assert compare([], stream(b"one")).difference == Difference(0, None, 1, None, "b'one'")


def test_after_a_difference_both_are_measured_to_their_ends() -> None:
    comparison = compare(stream(b"a", b"b", b"c"), stream(b"x", b"y"))

    assert (comparison.a.chunks, comparison.b.chunks) == (3, 2)


# --- chunks and times ------------------------------------------------------------------------------------------------


def test_the_first_chunk_of_another_size_is_named() -> None:
    chunk_end = compare(stream(b"one", b"two", b"x"), stream(b"one", b"tw", b"ox")).chunk_end

    assert chunk_end == ChunkEnd(start=3, chunk_a=2, chunk_b=2, size_a=3, size_b=2)


def test_an_empty_chunk_makes_no_difference() -> None:
    assert compare(stream(b"one", b"", b"two"), stream(b"one", b"two")).chunk_end is None


def test_the_chunk_whose_time_differs_most_is_reported() -> None:
    a = stream(b"one", b"two", b"end", times=(0, 100, 200))
    b = stream(b"one", b"t", b"wo", b"end", times=(50, 100, 900, 120))

    assert compare(a, b).distance == Distance(chunk_a=3, chunk_b=4, microseconds=-80)


def test_empty_streams_have_no_distance() -> None:
    assert compare([], []).distance is None


# --- heads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (head(200, {"X-A": "b"}, "a=1"), head(200, {"x-a": "b"}, "a=2"), []),
        (head(200, {"x-a": HIDDEN}), head(200, {"x-a": "b"}), []),
        (head(200), head(404), ["status 200, 404"]),
        (head(200, {"x-a": "b", "x-c": "d"}), head(200, {"x-a": "c"}), ["x-a b, c", "x-c d, missing"]),
        (head(200, {}, "a=1", "b=1"), head(200), ["cookies a b, none"]),
    ],
)
def test_differences_of_the_heads_are_reported(a: Event, b: Event, expected: list[str]) -> None:
    assert compare([a], [b]).head == expected


def test_a_head_that_was_not_recorded_is_not_compared() -> None:
    assert compare([head(404)], []).head == []


# --- size ------------------------------------------------------------------------------------------------------------


def test_long_streams_are_compared_in_constant_memory() -> None:
    def events(count: int, size: int) -> Iterator[Event]:
        return (Event(number, "o", "x" * size) for number in range(count))

    tracemalloc.start()
    comparison = compare(events(8_000, 100), events(16_000, 50))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert comparison.same_bytes
    assert peak < 200_000


# --- what is printed -------------------------------------------------------------------------------------------------


def written(path: Path, *lines: str) -> Path:
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return path


def shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], a: tuple[str, ...], b: tuple[str, ...]
) -> tuple[bool, str]:
    same = show(written(tmp_path / "a", *a), written(tmp_path / "b", *b), as_json=False)
    return same, capsys.readouterr().out


def test_two_equal_recordings_are_reported_as_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ('[10,"o","one"]', '[60010,"o","two"]', '[60020,"x",{"reason":"end","bytes":6,"chunks":2}]')

    assert shown(tmp_path, capsys, lines, lines) == (
        True,
        """\
                 A: a     B: b
layer            client   client
bytes            6        6
chunks           2        2
first byte       0.01 ms  0.01 ms  0.00 ms
first body byte  0.01 ms  0.01 ms  0.00 ms
gap p50          0.060 s  0.060 s  0.00 ms
gap p90          0.060 s  0.060 s  0.00 ms
gap p99          0.060 s  0.060 s  0.00 ms
gap max          0.060 s  0.060 s  0.00 ms
total            0.060 s  0.060 s  0.00 ms
end              end      end

bytes: the same
chunks: the same
times: the same
""",
    )


def verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str], a: tuple[str, ...], b: tuple[str, ...]) -> list[str]:
    same, output = shown(tmp_path, capsys, a, b)
    assert same == ("bytes: the same" in output)
    return output.partition("\n\n")[2].splitlines()


def test_each_difference_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = ('[0,"h",{"status_code":200,"headers":{},"cookies":[]}]', '[10,"o","one [b]:smile:"]', '[20,"o","two"]')
    b = ('[0,"h",{"status_code":404,"headers":{},"cookies":[]}]', '[10,"o","one [b]:smile:t"]', '[20,"o","x"]')

    assert verdict(tmp_path, capsys, a, b) == [
        "head: differs: status 200, 404",
        "bytes: differ, first at byte 15",
        "  A: chunk 2: b'two'",
        "  B: chunk 2: b'x'",
        "chunks: differ, first at byte 0: chunk 1 of A has 14 bytes, chunk 1 of B has 15",
        "times: the same",
    ]


def test_a_stream_that_ends_earlier_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = '[30,"e",{"type":"Function.A","message":""}]'
    a, b = ('[10,"o","one"]', error), ('[40,"o","one"]', '[50,"o","[b]two:smile:"]')

    assert verdict(tmp_path, capsys, a, b) == [
        "bytes: differ, first at byte 3",
        "  A: the end",
        "  B: chunk 2: b'[b]two:smile:'",
        "chunks: the same up to there",
        "times: chunk 1 of A differs most: +0.03 ms in B",
    ]
    assert "cut (Function.A)" in shown(tmp_path, capsys, a, b)[1]


def test_chunks_that_were_not_recorded_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lossy = '[9,"x",{"reason":"end","bytes":9,"chunks":3,"lost":{"chunks":2,"bytes":6}}]'

    assert "not recorded     2 chunks  0 chunks\n" in shown(tmp_path, capsys, (lossy,), ())[1]


def test_two_empty_recordings_are_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(tmp_path, capsys, (), ()) == ["bytes: the same", "chunks: the same"]


def test_as_json_every_figure_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = written(tmp_path / "a", '[10,"o","one"]'), written(tmp_path / "b", '[10,"o","o"]')

    assert not show(a, b, as_json=True)

    fields: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (fields["same_bytes"], fields["same_chunk_ends"], fields["a"]["layer"]) == (False, False, "client")
    assert fields["difference"] == {"offset": 1, "chunk_a": 1, "chunk_b": None, "bytes_a": "b'one'", "bytes_b": None}
    assert (fields["a"]["bytes"], fields["b"]["first_byte"]) == (3, 10)


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match=r"b: line 2: not JSON"):
        show(written(tmp_path / "a"), written(tmp_path / "b", "damage"), as_json=False)
