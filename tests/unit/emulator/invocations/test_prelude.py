import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.errors import PreludeError
from lambda_streamify_emulator.invocations.prelude import DELIMITER, PRELUDE_LIMIT_BYTES, Prelude, PreludeParser, parse

FIELDS = {"statusCode": 404, "headers": {"Content-Type": "text/plain", "X-N": 5}, "cookies": ["a=b", "c=d; Secure"]}
PRELUDE = Prelude(404, (("Content-Type", "text/plain"), ("X-N", "5")), ("a=b", "c=d; Secure"))
DATA = json.dumps(FIELDS).encode() + DELIMITER


def feed(*pieces: bytes) -> tuple[Prelude, bytes]:
    """Return the parser's result, with the pieces that it does not need appended to the rest of the body."""
    parser = PreludeParser()
    for number, piece in enumerate(pieces):
        complete = parser.feed(piece)
        if complete:
            return complete[0], complete[1] + b"".join(pieces[number + 1 :])
    raise AssertionError


@pytest.mark.parametrize("body", [b"", b"body", bytes(20), b"x" + DELIMITER + b"y", b"{" * PRELUDE_LIMIT_BYTES])
def test_a_prelude_is_read_whole_and_the_body_behind_it_is_left_alone(body: bytes) -> None:
    assert feed(DATA + body) == (PRELUDE, body)


def test_a_prelude_is_read_byte_by_byte() -> None:
    assert feed(*(DATA[at : at + 1] for at in range(len(DATA))), b"body") == (PRELUDE, b"body")


@given(st.sets(st.integers(0, len(DATA))), st.binary(max_size=20))
def test_a_prelude_is_read_however_it_is_split(cuts: set[int], body: bytes) -> None:
    data = DATA + body
    edges = sorted({0, *cuts, len(data)})

    assert feed(*(data[start:end] for start, end in pairwise(edges))) == (PRELUDE, body)


HEADERS = st.dictionaries(
    st.text("abcXYZ-_!", min_size=1), st.text(st.characters(exclude_categories=["Cc", "Cs"])), max_size=4
)


@given(st.integers(200, 599), HEADERS)
def test_status_and_headers_come_back(status: int, headers: dict[str, str]) -> None:
    data = json.dumps({"statusCode": status, "headers": headers}).encode()

    assert parse(data) == Prelude(status, tuple(headers.items()), ())


@pytest.mark.parametrize("fields", [{}, {"headers": None, "cookies": None}, {"headers": {}, "other": 1}])
def test_what_is_left_out_has_a_default(fields: dict[str, Any]) -> None:
    assert parse(json.dumps(fields).encode()) == Prelude(200, (), ())


REFUSED = [
    (b"", "the prelude is not JSON: Expecting value: line 1 column 1 (char 0)"),
    (
        b"{'a': 1}",
        "the prelude is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    (b"[1]", "the prelude is not a JSON object but list"),
    (b'"a"', "the prelude is not a JSON object but str"),
    (b'{"statusCode": 199}', "the response's statusCode is 199, not a number from 200 to 599"),
    (b'{"statusCode": 600}', "the response's statusCode is 600, not a number from 200 to 599"),
    (b'{"statusCode": "200"}', "the response's statusCode is '200', not a number from 200 to 599"),
    (b'{"statusCode": 200.0}', "the response's statusCode is 200.0, not a number from 200 to 599"),
    (b'{"statusCode": true}', "the response's statusCode is True, not a number from 200 to 599"),
    (b'{"statusCode": null}', "the response's statusCode is None, not a number from 200 to 599"),
    (b'{"headers": []}', None),
    (b'{"headers": [1]}', "the response's headers must be an object, its cookies a list"),
    (b'{"cookies": "a=b"}', "the response's headers must be an object, its cookies a list"),
    (b'{"headers": {"a b": "c"}}', "the response's header 'a b' with the value 'c' is not a valid HTTP header"),
    (b'{"headers": {"": "c"}}', "the response's header '' with the value 'c' is not a valid HTTP header"),
    (
        b'{"headers": {"a": "b\\r\\nc: d"}}',
        r"the response's header 'a' with the value 'b\r\nc: d' is not a valid HTTP header",
    ),
    (b'{"headers": {"a\\n": "b"}}', r"the response's header 'a\n' with the value 'b' is not a valid HTTP header"),
    (
        b'{"cookies": ["a\\u0000"]}',
        r"the response's header 'set-cookie' with the value 'a\x00' is not a valid HTTP header",
    ),
    (b'{"cookies": [1]}', "the response's header 'set-cookie' with the value 1 is not a valid HTTP header"),
    (b'{"headers": {"\xc3\xbc": "c"}}', "the response's header 'ü' with the value 'c' is not a valid HTTP header"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_a_prelude_that_is_wrong_is_refused_with_the_reason(data: bytes, message: str | None) -> None:
    if message is None:
        assert parse(data) == Prelude(200, (), ())
        return
    with pytest.raises(PreludeError) as raised:
        parse(data)
    assert str(raised.value) == message


@pytest.mark.parametrize("data", [b"\xff", b"[" * 10_000, b"1" * 10_000, b'{"a":' * 3_000])
def test_text_unlike_a_prelude_is_refused(data: bytes) -> None:
    with pytest.raises(PreludeError, match=r"^the prelude is not "):
        parse(data)


@given(st.binary())
def test_any_bytes_are_a_prelude_or_refused(data: bytes) -> None:
    with suppress(PreludeError):
        parse(data)


def prelude_of(size: int) -> bytes:
    """Return a prelude of this size in bytes, including its delimiter."""
    empty = len(b'{"x":""}') + len(DELIMITER)
    return b'{"x":"' + b"a" * (size - empty) + b'"}' + DELIMITER


@pytest.mark.parametrize("split", [1, 1000, PRELUDE_LIMIT_BYTES * 2])
def test_a_prelude_may_be_as_long_as_the_limit(split: int) -> None:
    data = prelude_of(PRELUDE_LIMIT_BYTES)

    assert feed(*(data[at : at + split] for at in range(0, len(data), split))) == (Prelude(200, (), ()), b"")


@pytest.mark.parametrize("split", [1, 1000, PRELUDE_LIMIT_BYTES * 2])
@pytest.mark.parametrize("data", [prelude_of(PRELUDE_LIMIT_BYTES + 1), b"x" * PRELUDE_LIMIT_BYTES])
def test_a_prelude_that_does_not_end_within_the_limit_is_refused(data: bytes, split: int) -> None:
    with pytest.raises(PreludeError) as raised:
        feed(*(data[at : at + split] for at in range(0, len(data), split)))

    assert str(raised.value) == "no end of the prelude within its first 16384 bytes"


def test_a_response_that_ends_within_its_prelude_is_refused() -> None:
    parser = PreludeParser()
    assert parser.feed(b'{"a":') is None

    with pytest.raises(PreludeError) as raised:
        parser.end()
    assert str(raised.value) == "the response ends after 5 bytes, before its prelude does"
