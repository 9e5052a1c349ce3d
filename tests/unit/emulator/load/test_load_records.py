import pytest

from lambda_streamify_emulator.load.records import RecordCounter, content_type

EVENTS = b": hello\n\ndata: one\n\nevent: e\ndata: two\ndata: 2\n\nid: 3\n\ndata: unfinished"
LINES = b'{"a": 1}\n\n{"b": 2}\n{"c'


def count(media_type: str, *chunks: bytes) -> int:
    counter = RecordCounter(media_type)
    for chunk in chunks:
        counter.add(chunk)
    return counter.count


@pytest.mark.parametrize(
    ("media_type", "body", "records"),
    [
        ("text/event-stream", EVENTS, 2),
        ("Text/Event-Stream; charset=utf-8", EVENTS.replace(b"\n", b"\r\n"), 2),
        ("application/x-ndjson", LINES, 2),
        ("application/jsonl", LINES, 2),
        ("text/plain", LINES, 0),
        ("", EVENTS, 0),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_records_are_counted_however_the_body_is_cut_into_chunks(
    media_type: str, body: bytes, records: int, size: int
) -> None:
    assert count(media_type, *(body[at : at + size] for at in range(0, len(body), size))) == records


def test_a_long_line_is_one_record_and_is_not_kept() -> None:
    counter = RecordCounter("application/x-ndjson")
    for _ in range(1000):
        counter.add(b"x" * 65536)
    counter.add(b"\n\n")

    assert counter.count == 1


def test_the_content_type_is_found_in_any_spelling() -> None:
    assert content_type({"Date": "now", "Content-Type": "text/plain"}) == "text/plain"
    assert content_type({}) == ""
