"""The prelude of a stream, however it is split. test_received_stream.py shows what a caller sees of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify.client._prelude import DELIMITER, PRELUDE_LIMIT_BYTES, PreludeParser, json_object

PRELUDE = b'{"statusCode": 201}' + DELIMITER


@given(st.binary(), st.data())
def test_a_prelude_is_found_however_it_is_split(body: bytes, data: st.DataObject) -> None:
    stream = PRELUDE + body
    cut = data.draw(st.integers(0, len(stream)))
    parser = PreludeParser(None)
    found = parser.feed(stream[:cut]) + parser.feed(stream[cut:]) + parser.end()

    assert (parser.prelude, b"".join(found)) == ({"statusCode": 201}, body)


def test_a_body_that_begins_otherwise_is_not_held_back() -> None:
    parser = PreludeParser(None)

    assert parser.feed(b"plain") == [b"plain"]
    assert (parser.is_certain, parser.prelude, parser.failure) == (True, None, None)


def test_a_body_that_begins_like_a_prelude_is_held_back_until_it_is_certain() -> None:
    parser = PreludeParser(None)

    assert parser.feed(b'{"headers"') == []
    assert parser.feed(b" " * (PRELUDE_LIMIT_BYTES + len(DELIMITER))) != []
    assert parser.prelude is None


@pytest.mark.parametrize("stream", [b"plain", b"[]" + DELIMITER])
def test_a_prelude_that_is_expected_and_missing_is_a_failure_behind_the_body(stream: bytes) -> None:
    parser = PreludeParser(True)  # noqa: FBT003 - its only argument

    assert parser.feed(stream) + parser.end() == [stream]
    assert "should begin with a prelude" in str(parser.failure)


def test_without_a_prelude_nothing_is_looked_for() -> None:
    parser = PreludeParser(False)  # noqa: FBT003 - its only argument

    assert parser.feed(PRELUDE) == [PRELUDE]


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"{", b"[" * 200_000, b"\xff"])
def test_what_is_no_json_object_is_none(text: bytes) -> None:
    assert json_object(text) is None
