"""Lines out of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify.client._lines import LineParser, TextLineParser


def test_a_line_is_given_as_soon_as_it_ends() -> None:
    parser = LineParser()

    assert parser.feed(b"one\r\ntwo\n\nth") == [b"one", b"two", b""]
    assert parser.rest == b"th"
    assert parser.feed(b"ree") == []
    assert parser.end() == [b"three"]
    assert parser.end() == []


@given(st.binary(), st.data())
def test_lines_do_not_depend_on_how_the_bytes_are_split(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    parser = LineParser()
    lines = parser.feed(stream[:cut]) + parser.feed(stream[cut:]) + parser.end()

    assert lines == [line.removesuffix(b"\r") for line in stream.removesuffix(b"\n").split(b"\n") if stream]


def test_text_may_be_split_within_a_character() -> None:
    parser = TextLineParser()

    assert [*parser.feed(b"\xc5"), *parser.feed(b"\xbe\n\xc5")] == ["ž"]
    assert parser.rest == b"\xc5"
    assert parser.cut() == ["\N{REPLACEMENT CHARACTER}"]


def test_text_that_is_not_utf8_is_an_error_and_not_other_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        TextLineParser().feed(b"\xff\n")
    parser = TextLineParser()
    parser.feed(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        parser.end()
