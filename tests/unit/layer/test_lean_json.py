"""What is read and written must be what json reads and writes, and without it."""

import importlib.util
import json
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify import lean_json
from layer_build import SOURCE
from processes import clean_environment, run

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
)
BLANKS = st.text(" \t\n\r", max_size=3)


@given(VALUES, BLANKS, BLANKS, st.sampled_from([None, 1]))
def test_a_text_has_the_value_that_json_gives_it(value: object, before: str, after: str, indent: int | None) -> None:
    text = before + json.dumps(value, indent=indent) + after

    assert lean_json.parse(text) == value == json.loads(text)


@given(VALUES, st.booleans(), st.sampled_from([(", ", ": "), (",", ":")]))
def test_a_value_is_written_as_json_writes_it(value: object, ascii_only: bool, separators: tuple[str, str]) -> None:  # noqa: FBT001
    text = lean_json.write(value, ascii_only=ascii_only, separators=separators)

    assert text == json.dumps(value, ensure_ascii=ascii_only, separators=separators)


@pytest.mark.parametrize(
    "text",
    ["", " ", "nope", "{", "[1,]", '{"a" 1}', '"a', "1 2", "[] x", "\ufeff1", '"\n"', " [1, x]", "+1", "\u00a01", "0 "],
)
def test_what_is_no_json_raises_the_error_of_json(text: str) -> None:
    def outcome(read: object) -> object:
        try:
            return read(text)  # type: ignore[operator]
        except ValueError as error:
            return type(error), str(error)

    assert outcome(lean_json.parse) == outcome(json.loads)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is no JSON value$"):
        lean_json.parse(f"[{name}]")


def test_a_value_without_a_form_raises_the_error_of_json() -> None:
    with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
        lean_json.write({"a": set()})

    assert lean_json.write({"a": {1}}, list) == '{"a": [1]}'


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="Circular reference detected"):
        lean_json.write(endless)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": float("-inf")}])
def test_numbers_that_json_has_not_are_written_unless_that_is_forbidden(value: object) -> None:
    assert lean_json.write(value) == json.dumps(value)

    with pytest.raises(ValueError, match="Out of range float"):
        lean_json.writer(allow_nan=False)(value)


def test_a_writer_goes_on_after_a_value_that_it_could_not_write() -> None:
    write = lean_json.writer()
    value: list[object] = [{"a": [set()]}]

    for _ in range(2):  # nothing is left of the first attempt, which would look like a value that holds itself
        with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
            write(value)

    value[0] = 1
    assert write(value) == "[1]"


@pytest.fixture
def without_c_code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as an interpreter sees it that has no `_json`."""
    monkeypatch.setitem(sys.modules, "_json", None)
    spec = importlib.util.spec_from_file_location("another_lean_json", lean_json.__file__)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_the_c_code_json_does_the_work(without_c_code: ModuleType) -> None:
    assert without_c_code.parse(' {"a": [1.5]} ') == {"a": [1.5]}
    assert without_c_code.write({"é": {1}}, list, ascii_only=False, separators=(",", ":")) == '{"é":[1]}'
    with pytest.raises(ValueError, match=r"^NaN is no JSON value$"):
        without_c_code.parse("NaN")
    with pytest.raises(ValueError, match="Out of range float"):
        without_c_code.writer(allow_nan=False)([float("nan")])


COSTLY = {"asyncio", "inspect", "json", "logging", "re", "socket", "traceback", "typing"}


def test_the_runtime_starts_without_the_modules_that_cost_most() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from lambda_streamify import bootstrap; print(*sys.modules)"
    )

    loaded = run(sys.executable, "-ISc", program, env=clean_environment()).split()

    assert "lambda_streamify.bootstrap" in loaded
    assert COSTLY & set(loaded) == set()
