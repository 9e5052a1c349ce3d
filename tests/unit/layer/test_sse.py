import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asynchronous import run
from event_stream_parser import EventSource, Message
from lambda_streamify import sse
from lambda_streamify.errors import ChunkTypeError, HandlerError, ResponseError


def chunks(*items: object, **options: Any) -> list[Any]:
    return list(sse.events(items, **options))


def messages(stream: bytes) -> list[Message]:
    return EventSource().read(stream).messages


# --- one event -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "sent"),
    [
        ("text", b"data: text\n\n"),
        ("", b"data: \n\n"),
        (" two spaces", b"data:  two spaces\n\n"),
        ("a\nb\r\nc\rd\n", b"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
        ("é", "data: é\n\n".encode()),
        (b"bytes\n\xc3\xa9", "data: bytes\ndata: é\n\n".encode()),
        (bytearray(b"bytes"), b"data: bytes\n\n"),
        (memoryview(b"bytes"), b"data: bytes\n\n"),
        ({"a": [1, None, "x\ny"]}, b'data: {"a":[1,null,"x\\ny"]}\n\n'),
        ([], b"data: []\n\n"),
        (1.5, b"data: 1.5\n\n"),
        (True, b"data: true\n\n"),
        (None, b"data: null\n\n"),
        (sse.Event("text"), b"data: text\n\n"),
        (sse.Event({"a": 1}, event="update", id="7", retry=10), b'event: update\nid: 7\nretry: 10\ndata: {"a":1}\n\n'),
        (sse.Event("text", comment="one\r\ntwo"), b": one\n: two\ndata: text\n\n"),
        (sse.Event(None, comment="ping"), b": ping\n\n"),
        (sse.Event(comment=""), b": \n\n"),
        (sse.Event(None, retry=0), b"retry: 0\n\n"),
        (sse.Event(None, id=""), b"id: \n\n"),
        (sse.Event("", event=""), b"event: \ndata: \n\n"),
    ],
)
def test_an_item_is_sent_as_one_event(item: object, sent: bytes) -> None:
    assert chunks(item) == [sent]


def test_the_body_says_that_it_is_an_event_stream() -> None:
    assert sse.events([]).content_type == "text/event-stream; charset=utf-8"


LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
IDS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n :\0\ufeff\x85\u2028"))


def lines_of(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(TEXT, st.none() | LINE, st.none() | IDS, st.none() | st.integers(min_value=0), st.none() | TEXT)
@example(" a", "b", " c", None, None)
@example("a\n\ndata: b", None, None, None, "c\n\ndata: d")
@example("\r\n\n\r", "data", "id", 0, "\n")
def test_a_browser_gets_every_field_as_it_was_given(
    data: str,
    event: str | None,
    id: str | None,  # noqa: A002 - the name of the field
    retry: int | None,
    comment: str | None,
) -> None:
    source = EventSource().read(chunks(sse.Event(data, event, id, retry, comment))[0])

    assert source.messages == [Message(event or "message", lines_of(data), id or "")]
    assert source.reconnection_time == retry
    assert source.comments == ([] if comment is None else [f" {line}" for line in lines_of(comment).split("\n")])


ITEMS = TEXT | st.builds(sse.Event, TEXT, st.none() | LINE, st.none() | IDS, st.none(), st.none() | TEXT)


@given(st.lists(ITEMS, max_size=5))
def test_each_chunk_is_one_whole_event(items: list[Any]) -> None:
    sent = chunks(*items)

    assert len(sent) == len(items)
    assert all(chunk.endswith(b"\n\n") and b"\n\n" not in chunk[:-2] and b"\r" not in chunk for chunk in sent)
    assert [each.data for chunk in sent for each in messages(chunk)] == [each.data for each in messages(b"".join(sent))]


JSON = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda parts: st.lists(parts | st.text()) | st.dictionaries(st.text(), parts | st.text()),
    max_leaves=10,
)


@given(JSON)
def test_a_browser_gets_json_in_one_piece(value: object) -> None:
    sent = chunks(value)[0]

    assert sent.count(b"\n") == 2
    assert json.loads(messages(sent)[0].data) == value


def test_an_event_without_data_reaches_no_page_but_does_its_work() -> None:
    source = EventSource().read(b"".join(chunks(sse.Event(None, id="7", retry=10, comment="ping"), "text")))

    assert source.comments == [" ping"]
    assert source.reconnection_time == 10
    assert source.messages == [Message("message", "text", "7")]


# --- what cannot be sent ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"event": "a\nb"}, r"event is 'a\nb'; it must not hold a line break; take it out"),
        ({"event": "a\rb"}, r"event is 'a\rb'; it must not hold a line break; take it out"),
        ({"id": "a\nb"}, r"id is 'a\nb'; it must not hold a line break or NUL; take it out"),
        ({"id": "a\rb"}, r"id is 'a\rb'; it must not hold a line break or NUL; take it out"),
        ({"id": "a\0b"}, r"id is 'a\x00b'; it must not hold a line break or NUL; take it out"),
        ({"id": 7}, "id is 7, of type int; it must be a str"),
        ({"event": b"a"}, "event is b'a', of type bytes; it must be a str"),
        ({"comment": 7}, "comment is 7, of type int; it must be a str"),
        ({"comment": "\ud800"}, r"comment is '\ud800'; half of a surrogate pair is no text"),
        ({"retry": -1}, "retry is -1; it must be milliseconds, an int of 0 or more"),
        ({"retry": 1.5}, "retry is 1.5; it must be milliseconds, an int of 0 or more"),
        ({"retry": True}, "retry is True; it must be milliseconds, an int of 0 or more"),
        ({"retry": "1\ndata: x"}, r"retry is '1\ndata: x'; it must be milliseconds, an int of 0 or more"),
        ({"data": None}, "the event has no field; give it data, a comment, an id or a retry"),
        (
            {"data": None, "event": "ping"},
            "event is 'ping', but readers drop an event that has no data; give it data=''",
        ),
    ],
)
def test_a_field_that_cannot_be_sent_is_refused_where_the_event_is_made(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ResponseError) as raised:
        sse.Event(**{"data": "text", **fields})

    assert str(raised.value) == message


@pytest.mark.parametrize("value", ["a\nb", "a\r\n\r\ndata: b", "\n"])
@pytest.mark.parametrize("name", ["event", "id"])
def test_a_field_that_is_changed_later_is_refused_when_the_event_is_sent(name: str, value: str) -> None:
    event = sse.Event("text")
    setattr(event, name, value)

    with pytest.raises(ResponseError, match=f"^{name} is "):
        chunks(event)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("\ud800", r"data is '\ud800'; half of a surrogate pair is no text"),
        (b"\xff", r"data is b'\xff', no UTF-8; decode it, or send base64"),
        (float("nan"), "nan holds NaN or an infinity, which JSON has no form for; send None instead"),
    ],
)
def test_data_that_cannot_be_sent_is_refused_when_it_is_sent(item: object, message: str) -> None:
    with pytest.raises(ResponseError) as raised:
        chunks(item)

    assert str(raised.value) == message


def test_an_object_without_a_form_in_json_needs_default() -> None:
    with pytest.raises(ChunkTypeError, match=r"^Decimal\('1.5'\) is a Decimal, which JSON has no form for; "):
        chunks({"a": Decimal("1.5")})

    assert chunks({"a": Decimal("1.5")}, sse.Event(date(2026, 1, 2)), default=str) == [
        b'data: {"a":"1.5"}\n\n',
        b'data: "2026-01-02"\n\n',
    ]


def test_text_is_no_iterable_of_events() -> None:
    with pytest.raises(ChunkTypeError, match=r"^sse.events was given 'text', of type str; "):
        sse.events("text")


# --- the object ------------------------------------------------------------------------------------------------------


def test_an_event_encodes_itself_for_whoever_writes_it_without_events() -> None:
    assert sse.Event("text", event="a").encode() == b"event: a\ndata: text\n\n"
    assert sse.Event({"a": {1}}).encode(default=list) == b'data: {"a":[1]}\n\n'


def test_events_are_compared_by_their_fields_and_show_those_that_are_set() -> None:
    event = sse.Event("text", id="7")

    assert repr(event) == "Event(data='text', id='7')"
    assert event == sse.Event("text", id="7")
    assert event != sse.Event("text", id="8")
    assert event != "text"
    assert not callable(type(event).__hash__)


# --- a stream --------------------------------------------------------------------------------------------------------


def test_an_asynchronous_source_is_sent_as_a_sync_one_is() -> None:
    async def source() -> AsyncIterator[object]:
        yield "a"
        await asyncio.sleep(0)
        yield sse.Event("b", id="1")

    async def main() -> list[Any]:
        body: Any = sse.events(source())
        return [chunk async for chunk in body]

    assert run(main()) == [b"data: a\n\n", b"id: 1\ndata: b\n\n"]


def test_an_error_is_an_event_of_its_own_before_it_is_raised() -> None:
    def source() -> Iterator[str]:
        yield "a"
        raise ValueError("first line\n\ndata: second")

    body: Any = sse.events(source(), on_error=sse.error_event)
    sent = [next(body), next(body)]

    with pytest.raises(ValueError, match="first line"):
        next(body)
    assert (
        sent[1] == b'event: error\ndata: {"errorType":"ValueError","errorMessage":"first line\\n\\ndata: second"}\n\n'
    )
    assert [each.type for each in messages(b"".join(sent))] == ["message", "error"]


def test_an_error_of_an_asynchronous_source_is_told_likewise() -> None:
    async def source() -> AsyncIterator[str]:
        raise ValueError("boom")
        yield ""  # makes it a generator

    async def main() -> bytes:
        body: Any = sse.events(source(), on_error=lambda error: sse.Event(str(error), event="failed"))
        sent: bytes = await anext(body)
        with pytest.raises(ValueError, match="boom"):
            await anext(body)
        return sent

    assert run(main()) == b"event: failed\ndata: boom\n\n"


def test_an_on_error_that_fails_hides_no_error() -> None:
    def source() -> Iterator[str]:
        raise ValueError("boom")
        yield ""  # makes it a generator

    with pytest.raises(HandlerError, match=r"ValueError: boom.*ResponseError: event is "):
        list(sse.events(source(), on_error=lambda _: sse.Event("x", event="a\nb")))


# --- what stands around the events -----------------------------------------------------------------------------------


def test_done_is_the_last_event_of_a_source_that_has_not_failed() -> None:
    assert chunks("a", done="[DONE]") == [b"data: a\n\n", b"data: [DONE]\n\n"]
    assert chunks(done=sse.Event("", event="end")) == [b"event: end\ndata: \n\n"]


def test_a_source_that_fails_is_not_done() -> None:
    def source() -> Iterator[str]:
        yield "a"
        raise ValueError("gone")

    body = iter(sse.events(source(), on_error=sse.error_event, done="[DONE]"))

    assert next(body) == b"data: a\n\n"
    assert next(body) == b'event: error\ndata: {"errorType":"ValueError","errorMessage":"gone"}\n\n'
    with pytest.raises(ValueError, match="gone"):
        next(body)


def test_a_generator_that_returns_another_response_is_not_done() -> None:
    def source() -> Iterator[str]:
        return {"statusCode": 404}  # type: ignore[return-value]
        yield

    body = iter(sse.events(source(), done="[DONE]"))
    with pytest.raises(StopIteration) as end:
        next(body)

    assert end.value.value == {"statusCode": 404}


def test_the_opening_comment_is_sent_before_the_source_is_asked() -> None:
    asked = []

    def source() -> Iterator[str]:
        asked.append(True)
        yield "a"

    body = iter(sse.events(source(), comment="hello\nworld"))

    assert next(body) == b": hello\n: world\n\n"
    assert not asked
    assert list(body) == [b"data: a\n\n"]


def test_each_event_without_an_id_takes_the_next_one() -> None:
    sent = chunks("a", sse.Event("b"), sse.Event("c", id="x"), sse.Event(comment="d"), ids=count(7), done="end")

    assert sent == [
        b"id: 7\ndata: a\n\n",
        b"id: 8\ndata: b\n\n",
        b"id: x\ndata: c\n\n",
        b"id: 9\n: d\n\n",
        b"id: 10\ndata: end\n\n",
    ]


def test_ids_that_run_out_or_hold_a_line_break_end_no_stream_in_silence() -> None:
    with pytest.raises(ResponseError, match="`ids` has fewer ids than there are events"):
        chunks("a", "b", ids=["1"])
    with pytest.raises(ResponseError, match="must not hold a line break"):
        chunks("a", ids=["1\n2"])


def test_an_asynchronous_source_has_them_too() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"

    async def main() -> list[bytes]:
        body = sse.events(source(), comment="c", ids=count(1), done="[DONE]")
        return [bytes(chunk) async for chunk in body]  # type: ignore[arg-type]

    assert run(main()) == [b": c\n\n", b"id: 1\ndata: a\n\n", b"id: 2\ndata: [DONE]\n\n"]
