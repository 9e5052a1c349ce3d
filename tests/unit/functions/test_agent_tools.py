"""The tools of functions/agent: what they return, and that nothing a model writes breaks them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sample import agent_modules
from documents import blocks
from processes import ROOT


@pytest.fixture(scope="module")
def tools() -> Iterator[Any]:
    with agent_modules("tools") as (tools,):
        yield tools


@pytest.mark.parametrize(
    ("expression", "value"),
    [("3.57 * sqrt(64)", 28.56), ("-(1 + 2) ** 2 / 3", -3), ("0.1 + 0.2", 0.3), (" +7 ", 7), ("sqrt(2 + 2)", 2)],
)
def test_an_expression_is_calculated(expression: str, value: float, tools: Any) -> None:
    assert tools.call("calculate", {"expression": expression}) == {"value": value}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("__import__('os').getcwd()", "only numbers"),
        ("sqrt(4).real", "only numbers"),
        ("True + 1", "only numbers"),
        ("'a' * 9", "only numbers"),
        ("2 if 1 else 3", "only numbers"),
        ("1 +", "cannot be calculated"),
        ("", "cannot be calculated"),
        ("1 / 0", "division by zero"),
        ("9 ** 9 ** 9", "cannot be calculated"),
        ("sqrt(-1)", "cannot be calculated"),
        ("(-8) ** 0.5", "no value among the real numbers"),
        ("1e999", "no value among the real numbers"),
        ("1" * 201, "201 characters"),
    ],
)
def test_an_expression_that_is_none_is_an_error_for_the_model(expression: str, reason: str, tools: Any) -> None:
    with pytest.raises(tools.ToolError, match=reason):
        tools.call("calculate", {"expression": expression})


@given(expression=st.text() | st.text(alphabet="0123456789.()+-*/ sqrt"))
def test_no_text_of_a_model_breaks_the_calculator(expression: str, tools: Any) -> None:
    with suppress(tools.ToolError):
        assert isinstance(tools.call("calculate", {"expression": expression})["value"], float)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("missing", {}, "There is no tool 'missing'. There are: lighthouse, calculate."),
        ("calculate", None, "not a JSON object"),
        ("calculate", {}, "missing a required argument: 'expression'"),
        ("calculate", {"expression": "1", "code": "2"}, "unexpected keyword argument 'code'"),
        ("lighthouse", {"name": "Pharos"}, "There is no lighthouse 'Pharos'"),
    ],
)
def test_a_call_that_does_not_fit_is_an_error_for_the_model(name: str, arguments: Any, reason: str, tools: Any) -> None:
    with pytest.raises(tools.ToolError, match=reason.replace(".", r"\.")):
        tools.call(name, arguments)


def test_the_tool_of_the_guide_is_one(tools: Any) -> None:
    (code,) = blocks(ROOT / "docs" / "guides" / "agents" / "agent.md", "py")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tools, "SPECS", list(tools.SPECS))
        monkeypatch.setattr(tools, "FUNCTIONS", dict(tools.FUNCTIONS))
        exec(compile(code, "agent.md", "exec"), vars(tools))  # noqa: S102

        assert tools.call("count_words", {"text": "a lamp, a tower"}) == {"words": 4}
        with pytest.raises(tools.ToolError):
            tools.call("count_words", {"text": 7})
        assert_described(tools)


def test_each_tool_is_described_with_its_parameters(tools: Any) -> None:
    assert_described(tools)


def assert_described(tools: Any) -> None:
    specs = {spec["toolSpec"]["name"]: spec["toolSpec"]["inputSchema"]["json"] for spec in tools.SPECS}

    assert set(specs) == set(tools.FUNCTIONS)
    for name, schema in specs.items():
        function = tools.FUNCTIONS[name]
        assert set(schema["properties"]) == set(schema["required"])
        assert set(schema["required"]) == set(function.__code__.co_varnames[: function.__code__.co_argcount])
