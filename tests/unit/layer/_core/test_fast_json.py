"""fast_json reads and writes the same as json, without importing it."""

import _json
import copy
import importlib.util
import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify._core import fast_json
from layer_build import SOURCE
from processes import clean_environment, interpreter, run

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
)
BLANKS = st.text(" \t\n\r", max_size=3)


@given(VALUES, BLANKS, BLANKS, st.sampled_from([None, 1]))
def test_a_text_has_the_same_value_as_with_json(value: object, before: str, after: str, indent: int | None) -> None:
    text = before + json.dumps(value, indent=indent) + after

    assert fast_json.parse(text) == value == json.loads(text)


@given(VALUES, st.booleans(), st.sampled_from([(", ", ": "), (",", ":")]))
def test_a_value_is_written_as_json_does(value: object, ascii_only: bool, separators: tuple[str, str]) -> None:  # noqa: FBT001
    text = fast_json.write(value, ascii_only=ascii_only, separators=separators)

    assert text == json.dumps(value, ensure_ascii=ascii_only, separators=separators)


@pytest.mark.parametrize(
    "text",
    ["", " ", "nope", "{", "[1,]", '{"a" 1}', '"a', "1 2", "[] x", "\ufeff1", '"\n"', " [1, x]", "+1", "\u00a01", "0 "],
)
def test_invalid_json_raises_the_error_of_json(text: str) -> None:
    def outcome(read: object) -> object:
        try:
            return read(text)  # type: ignore[operator]
        except ValueError as error:
            return type(error), str(error)

    assert outcome(fast_json.parse) == outcome(json.loads)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinities_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is not a JSON value$"):
        fast_json.parse(f"[{name}]")


def test_a_value_that_json_cannot_represent_raises_the_error_of_json() -> None:
    with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
        fast_json.write({"a": set()})

    assert fast_json.write({"a": {1}}, list) == '{"a": [1]}'


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="Circular reference detected"):
        fast_json.write(endless)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": float("-inf")}])
def test_nan_and_infinities_are_written_unless_forbidden(value: object) -> None:
    assert fast_json.write(value) == json.dumps(value)

    with pytest.raises(ValueError, match="Out of range float"):
        fast_json.writer(allow_nan=False)(value)


def test_a_writer_works_after_a_value_that_it_could_not_write() -> None:
    write = fast_json.writer()
    value: list[object] = [{"a": [set()]}]

    for _ in range(2):  # the first attempt leaves nothing behind that would look like a value that contains itself
        with pytest.raises(TypeError, match=r"^Object of type set is not JSON serializable$"):
            write(value)

    value[0] = 1
    assert write(value) == "[1]"


def loaded_with(c_code: ModuleType | None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module as loaded by an interpreter with this `_json`."""
    monkeypatch.setitem(sys.modules, "_json", c_code)
    spec = importlib.util.spec_from_file_location("another_lean_json", fast_json.__file__)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changed(**functions: object) -> ModuleType:
    """Return `_json` with other functions. None removes one."""
    c_code = ModuleType("_json")
    vars(c_code).update({name: value for name, value in {**vars(_json), **functions}.items() if value is not None})
    return c_code


def scanner_that_reads(*names: str) -> Callable[[Any], object]:
    """Return a `make_scanner` whose scanner also reads these attributes of its decoder."""

    def make_scanner(decoder: Any) -> object:
        for name in names:
            getattr(decoder, name)
        return _json.make_scanner(decoder)

    return make_scanner


def encoder_of_another_text(*arguments: Any) -> Callable[[object, int], tuple[str, ...]]:
    encode = _json.make_encoder(*arguments)
    return lambda value, level: tuple(part.replace("true", "True") for part in encode(value, level))


def scanner_of_another_value(decoder: Any) -> Callable[[str, int], tuple[Any, int]]:
    scan = _json.make_scanner(decoder)
    return lambda text, start: (scan(text, start)[0], 0)


def test_the_scanner_of_python_3_15_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded_with(changed(make_scanner=scanner_that_reads("array_hook")), monkeypatch)
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("json was asked"))

    assert module.parse(' {"a": [1.5]} ') == {"a": [1.5]}


CHANGED_C_CODE = {
    "no C code": None,
    "no scanner": changed(make_scanner=None),
    "no encoder of text": changed(encode_basestring=None),
    "a scanner that reads what nobody knows": changed(make_scanner=scanner_that_reads("hook_of_a_later_python")),
    "a scanner of other arguments": changed(make_scanner=lambda: None),
    "a scanner that is none": changed(make_scanner=lambda _: None),
    "a scanner that returns something else": changed(make_scanner=scanner_of_another_value),
    "an encoder of other arguments": changed(make_encoder=lambda: None),
    "an encoder that is called in another way": changed(make_encoder=lambda *_: lambda: ()),
    "an encoder that returns something else": changed(make_encoder=lambda *_: lambda _, __: None),
    "an encoder that writes another text": changed(make_encoder=encoder_of_another_text),
}


@pytest.mark.parametrize("c_code", CHANGED_C_CODE.values(), ids=CHANGED_C_CODE)
def test_json_is_used_where_the_c_code_does_not_work(
    c_code: ModuleType | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = loaded_with(c_code, monkeypatch)

    assert module.parse(' {"a": [1.5]} ') == {"a": [1.5]}
    assert module.write({"é": {1}}, list, ascii_only=False, separators=(",", ":")) == '{"é":[1]}'
    assert module.write([True]) == "[true]"
    with pytest.raises(ValueError, match=r"^NaN is not a JSON value$"):
        module.parse("NaN")
    with pytest.raises(ValueError, match="Out of range float"):
        module.writer(allow_nan=False)([float("nan")])


@pytest.mark.parametrize("encode", [fast_json.write, json.dumps, lambda value: json.dumps(value, indent=1)])
def test_without_json_raises_in_every_encoder(encode: Callable[[Any], str]) -> None:
    with pytest.raises(TypeError, match=r"^none$"):
        encode({"value": fast_json.WithoutJson("none")})


def test_without_json_can_be_copied_with_its_object() -> None:
    with pytest.raises(TypeError, match=r"^none$"):
        copy.deepcopy([fast_json.WithoutJson("none")])[0].keys()


NOT_JSON = ["{", "[1", "{'a': 1}", '"a', "[1] 2", "", "tru", '{"a" 1}', "[1,]", '"\\x"']
READ_EACH = f"""
import sys; sys.path.insert(0, {str(SOURCE)!r})
from lambda_streamify._core import fast_json
assert "json" not in sys.modules
for text in {NOT_JSON}:
    for name in [name for name in sys.modules if name.partition(".")[0] == "json"]:
        del sys.modules[name]  # each text is the first that is wrong
    try:
        fast_json.parse(text)
    except ValueError as error:
        print(error)
    assert "json" in sys.modules
"""


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_text_that_is_not_json_is_a_value_error_even_if_json_is_not_imported(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs on this machine")
    expected = []
    for text in NOT_JSON:
        with pytest.raises(ValueError, match=r"line 1 column") as raised:
            json.loads(text)
        expected.append(str(raised.value))

    said = run(python, "-ISBc", READ_EACH, env=clean_environment()).splitlines()
    assert ["line 1 column" in line for line in said] == [True] * len(NOT_JSON)
    assert version != sys.version[:4] or said == expected


COSTLY = {"asyncio", "inspect", "json", "logging", "re", "socket", "traceback", "typing"}


def test_the_runtime_starts_without_the_slowest_imports() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from lambda_streamify._runtime import bootstrap; "
        "print(*sys.modules)"
    )

    loaded = run(sys.executable, "-ISc", program, env=clean_environment()).split()

    assert "lambda_streamify._runtime.bootstrap" in loaded
    assert COSTLY & set(loaded) == set()
