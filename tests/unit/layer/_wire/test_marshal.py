import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify._wire.marshal import marshal, to_json, unmarshal
from lambda_streamify.errors import RuntimeFault


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
def test_an_event_that_is_not_json_is_a_fault(body: bytes) -> None:
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
def test_a_result_that_json_cannot_represent_is_a_fault(value: object, message: str) -> None:
    with pytest.raises(RuntimeFault) as raised:
        marshal(value)

    assert (raised.value.error_type, str(raised.value)) == (
        "Runtime.MarshalError",
        f"Unable to marshal response: {message}",
    )


def test_bytes_that_are_not_text_and_endless_values_are_faults() -> None:
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


def test_a_lone_surrogate_is_a_fault_where_nothing_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")

    with pytest.raises(RuntimeFault, match=r"^Unable to marshal response: .*surrogates not allowed"):
        marshal("\ud800")


class Failing(dict[str, object]):
    def items(self) -> NoReturn:
        raise LookupError("no items")


def test_any_exception_of_a_value_is_a_fault() -> None:
    with pytest.raises(RuntimeFault, match=r"^Unable to marshal response: no items$"):
        marshal(Failing(a=1))

    assert marshal(Failing()) == (b"{}", "application/json")  # nobody calls `items` of an empty dict


class Point(NamedTuple):
    x: object
    y: object


def test_a_class_with_asdict_is_not_converted_but_its_instances_are() -> None:
    with pytest.raises(RuntimeFault, match=r"^Unable to marshal response: Object of type type is not JSON "):
        marshal([Point])


class Record:
    """For simplejson, anything with `_asdict` is an object."""

    def _asdict(self) -> dict[str, object]:
        return {"a": Point(1, b"two")}


class Liar:
    def _asdict(self) -> str:
        return "no dict"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (Decimal("1.10"), b"1.10"),
        (
            {"a": [Decimal("-0"), Decimal("1E+3"), Decimal("NaN"), Decimal("Infinity")]},
            b'{"a": [-0, 1E+3, NaN, Infinity]}',
        ),
        (Point(1, [Point(Decimal("2.50"), None)]), b'{"x": 1, "y": [{"x": 2.50, "y": null}]}'),
        (Record(), b'{"a": {"x": 1, "y": "two"}}'),
        ({b"key": {b"inner": 1}}, b'{"key": {"inner": 1}}'),
        (OrderedDict(b=1, a=2), b'{"b": 1, "a": 2}'),
        (HTTPStatus.OK, b"200"),
    ],
)
def test_values_that_only_simplejson_supports_are_written_as_it_does(value: object, body: bytes) -> None:
    assert marshal(value) == (body, "application/json")


def test_an_asdict_that_returns_no_dict_is_a_fault() -> None:
    with pytest.raises(RuntimeFault, match=r"_asdict\(\) must return a dict, not str$"):
        marshal(Liar())


def test_an_event_may_begin_with_a_byte_order_mark() -> None:
    assert unmarshal(b'\xef\xbb\xbf"a"', "application/json") == "a"


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_an_event_with_nan_or_infinities_is_refused(name: str) -> None:
    with pytest.raises(RuntimeFault, match=f"^Unable to unmarshal input: {name} is not a JSON value$"):
        unmarshal(f"[{name}]".encode(), "application/json")


texts = st.one_of(st.text(), st.text(st.characters(exclude_categories=["Cs"])).map(str.encode), st.binary(max_size=3))
keys = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
byte_keys = st.text().map(str.encode)  # not mixed with str keys: of "a" and b"a", AWS's runtime writes both
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), texts, st.sets(st.integers())),
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(keys, inner),
        st.dictionaries(byte_keys, inner),
        st.tuples(inner, inner),
        st.builds(Point, inner, inner),
    ),
    max_leaves=20,
)


def outcome(marshal_: Callable[[Any], tuple[Any, str]], value: object) -> tuple[Any, str] | str:
    """Return what is sent, or the name of the fault."""
    try:
        body, content_type = marshal_(value)
    except Exception as error:  # noqa: BLE001 - compared by name
        return str(getattr(error, "exception_type", None) or getattr(error, "error_type", repr(error)))
    return body if isinstance(body, bytes) else body.encode("utf-8"), content_type


@given(values)
@pytest.mark.parametrize("runtime", ["AWS_Lambda_python3.11", "AWS_Lambda_python3.13"])
def test_awss_runtime_writes_the_same_and_reads_the_same(runtime: str, value: object) -> None:
    module = pytest.importorskip("awslambdaric.lambda_runtime_marshaller", reason="awslambdaric is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EXECUTION_ENV", runtime)
        theirs = module.LambdaMarshaller()

        ours = outcome(marshal, value)

        assert ours == outcome(theirs.marshal_response, value)
    if isinstance(ours, tuple) and ours[1] == "application/json":
        assert outcome(lambda body: (repr(unmarshal(body, ours[1])).encode(), ""), ours[0]) == outcome(
            lambda body: (repr(theirs.unmarshal_request(body)).encode(), ""), ours[0]
        )
