"""Rows of newline-delimited JSON out of bytes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify import ndjson
from lambda_streamify.client._ndjson import BadRow, RowParser

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=3)


def test_a_row_is_given_as_soon_as_its_line_ends() -> None:
    parser = RowParser()

    assert parser.feed(b'{"row": 1}\r\n[2]\n\n  \n{"ro') == [{"row": 1}, [2]]
    assert parser.rest == b'{"ro'
    assert parser.feed(b'w": 3}') == []
    assert parser.end() == [{"row": 3}]


def test_a_line_that_is_not_json_stands_in_its_place_and_names_its_number() -> None:
    first, bad, last = RowParser().feed(b"1\n<html>\n2\n")

    assert (first, last) == (1, 2)
    assert isinstance(bad, BadRow)
    failure = bad.failure()
    assert str(failure) == "line 2 of the response is not JSON: b'<html>'"
    assert failure.partial == b"<html>"
    assert isinstance(failure.__cause__, ValueError)


def test_json_that_is_nested_too_deeply_is_an_error_of_its_line() -> None:
    (bad,) = RowParser().feed(b"[" * 200_000 + b"\n")

    assert isinstance(bad, BadRow)


@given(st.lists(JSON), st.data())
def test_what_ndjson_writes_comes_back_however_it_is_split(rows: list[Any], data: st.DataObject) -> None:
    stream = b"".join(bytes(chunk) for chunk in ndjson.lines(rows) if isinstance(chunk, bytes))
    cut = data.draw(st.integers(0, len(stream)))
    parser = RowParser()

    assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) + parser.end() == rows
