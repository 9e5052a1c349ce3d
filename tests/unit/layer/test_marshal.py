import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify.errors import RuntimeFault
from lambda_streamify.marshal import marshal, to_json, unmarshal


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "event"), [(b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}), (b'"\xc3\xa9"', "é"), (b"5", 5)]
)
def test_an_event_is_json(body: bytes, event: object) -> None:
    assert unmarshal(body, "application/json") == event


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8", "Application/JSON"])
def test_an_event_of_any_other_content_type_is_bytes(content_type: str | None) -> None:
    assert unmarshal(b"{}", content_type) == b"{}"


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_a_fault(body: bytes) -> None:
    with pytest.raises(RuntimeFault, match=r"^Unable to unmarshal input: ") as raised:
        unmarshal(body, "application/json")

    assert raised.value.error_type == "Runtime.UnmarshalError"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (None, b"null"),
        ({"a": 1, "b": [1.5, "x"]}, b'{"a": 1, "b": [1.5, "x"]}'),
        ((1, 2), b"[1, 2]"),
        ({1: "a", None: "b", False: "c", 1.5: "d"}, b'{"1": "a", "null": "b", "false": "c", "1.5": "d"}'),
        (math.nan, b"NaN"),
        ([math.inf, -math.inf], b"[Infinity, -Infinity]"),
        ({"a": b"bytes \xc3\xa9"}, b'{"a": "bytes \\u00e9"}'),
        ("\ud800", b'"\\ud800"'),
    ],
)
def test_a_result_is_json_as_aws_writes_it(value: object, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_EXECUTION_ENV", raising=False)

    assert marshal(value) == (body, "application/json")


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff"])
def test_bytes_are_sent_untouched(value: bytes) -> None:
    assert marshal(value) == (value, "application/unknown")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "Object of type set is not JSON serializable"),
        (bytearray(b"x"), "Object of type bytearray is not JSON serializable"),
        ({"a": date(2026, 1, 1)}, "Object of type date is not JSON serializable"),
    ],
)
def test_what_json_has_no_form_for_is_a_fault(value: object, message: str) -> None:
    with pytest.raises(RuntimeFault) as raised:
        marshal(value)

    assert (raised.value.error_type, str(raised.value)) == (
        "Runtime.MarshalError",
        f"Unable to marshal response: {message}",
    )


def test_so_are_bytes_that_are_no_text_and_values_without_end() -> None:
    circle: list[object] = []
    circle.append(circle)

    for value in ([b"\xff"], circle, nested(100_000)):
        with pytest.raises(RuntimeFault, match=r"^Unable to marshal response: "):
            marshal(value)


@pytest.mark.parametrize(
    ("runtime", "text"),
    [
        ("AWS_Lambda_python3.11", '"\\u00e9"'),
        ("AWS_Lambda_python3.12", '"é"'),
        ("AWS_Lambda_python3.13", '"é"'),
        ("AWS_Lambda_python3.14", '"é"'),
        ("AWS_Lambda_python3.15", '"é"'),
        (None, '"\\u00e9"'),
    ],
)
def test_newer_runtimes_do_not_escape(runtime: str | None, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if runtime is None:
        monkeypatch.delenv("AWS_EXECUTION_ENV", raising=False)
    else:
        monkeypatch.setenv("AWS_EXECUTION_ENV", runtime)

    assert to_json("é") == text


def test_half_a_surrogate_pair_is_a_fault_where_nothing_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")

    with pytest.raises(RuntimeFault, match=r"^Unable to marshal response: .*surrogates not allowed"):
        marshal("\ud800")


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.text().map(str.encode)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner, inner)),
    max_leaves=20,
).filter(lambda value: not isinstance(value, bytes))


@given(values)
def test_awss_runtime_writes_and_reads_the_same(value: object) -> None:
    theirs = pytest.importorskip("awslambdaric.lambda_runtime_marshaller", reason="awslambdaric is not installed")
    theirs.LambdaMarshaller()

    body, content_type = marshal(value)

    assert (body.decode(), content_type) == theirs.LambdaMarshaller().marshal_response(value)
    if b"NaN" not in body and b"Infinity" not in body:  # theirs refuses to read what it writes
        read = theirs.LambdaMarshaller().unmarshal_request(body)
        assert unmarshal(body, "application/json") == read == json.loads(body)
