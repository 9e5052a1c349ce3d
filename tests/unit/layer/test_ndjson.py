import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify import ndjson
from lambda_streamify.errors import ChunkTypeError, ResponseError


def chunks(*items: object, **options: Any) -> list[Any]:
    return list(ndjson.lines(items, **options))


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ({"a": [1, 2.5, None]}, b'{"a":[1,2.5,null]}\n'),
        ("text\nof two lines", b'"text\\nof two lines"\n'),
        ("é", '"é"\n'.encode()),
        (None, b"null\n"),
        (True, b"true\n"),
        ([], b"[]\n"),
        ((1, 2), b"[1,2]\n"),
        ({1: "a"}, b'{"1":"a"}\n'),
    ],
)
def test_an_item_is_one_line(item: object, line: bytes) -> None:
    assert chunks(item) == [line]


def test_the_body_says_what_it_holds() -> None:
    assert ndjson.lines([]).content_type == "application/x-ndjson"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text() | st.sampled_from(["\r\n", "\u2028"]), parts),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=5))
def test_a_reader_gets_the_values_however_it_cuts_the_lines(values: list[object]) -> None:
    sent = chunks(*values)

    assert len(sent) == len(values)
    text = b"".join(sent).decode()
    assert [json.loads(line) for line in text.split("\n")[:-1]] == values
    assert [json.loads(line) for line in text.splitlines()] == values


@dataclasses.dataclass
class Point:
    x: int
    y: int


def plain(value: Any) -> object:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(type(value)) else str(value)


def test_default_gives_a_form_to_what_json_has_none_for() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

    assert chunks(Point(1, 2), {"price": Decimal("1.10")}, [when], default=plain) == [
        b'{"x":1,"y":2}\n',
        b'{"price":"1.10"}\n',
        b'["2026-01-02 03:04:05+00:00"]\n',
    ]


def test_without_default_such_an_item_is_refused() -> None:
    with pytest.raises(ChunkTypeError, match=r"^Point\(x=1, y=2\) is a Point, which JSON has no form for; "):
        chunks(Point(1, 2))


def test_numbers_that_json_has_not_are_refused() -> None:
    with pytest.raises(ResponseError, match=r"^\[nan\] holds NaN or an infinity, which JSON has no form for; "):
        chunks([float("nan")])


def test_an_object_is_no_iterable_of_lines() -> None:
    with pytest.raises(ChunkTypeError, match=r"^ndjson.lines was given \{'a': 1\}, of type dict; "):
        ndjson.lines({"a": 1})


def test_an_asynchronous_source_is_sent_as_a_sync_one_is() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0)
        yield 2

    async def main() -> list[Any]:
        body: Any = ndjson.lines(source())
        return [line async for line in body]

    assert run(main()) == [b"1\n", b"2\n"]


def test_an_error_is_a_line_of_its_own_before_it_is_raised() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("of two\nlines")

    body: Any = ndjson.lines(source(), on_error=ndjson.error_line)

    assert next(body) == b"1\n"
    assert next(body) == b'{"error":{"errorType":"ValueError","errorMessage":"of two\\nlines"}}\n'
    with pytest.raises(ValueError, match="of two"):
        next(body)
