"""functions/agent by itself: its loop, its figures, its script and what it refuses."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from agent_sample import agent_modules
from lambda_streamify import testing
from lambda_streamify.observe import Generation
from lambda_streamify.sse import Event
from request_events import event
from sample_services import Context


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    names = ("app", "agent", "models", "models.scripted", "runs")
    runs = str(tmp_path_factory.mktemp("runs") / "runs.db")
    with agent_modules(*names, RUNS_FILE=runs) as loaded:
        yield dict(zip(names, loaded, strict=True))


# --- the loop --------------------------------------------------------------------------------------------------------


class Model:
    """Answers each call with the next list of items, and keeps what it was asked."""

    MAX_SILENCE = 5

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def answer(self, system: str, messages: list[Any], tools: list[Any]) -> Iterator[Any]:
        self.asked.append(messages)
        yield from self.answers.pop(0)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def events_of(modules: dict[str, ModuleType], model: Model, generation: Generation | None = None) -> list[Any]:
    question = [{"role": "user", "content": [{"text": "Why?"}]}]
    items = modules["agent"].run(model, question, generation or Generation(Clock()))
    return [(item.event, item.data) for item in items if item.data is not None]


def test_the_model_gets_what_its_tools_returned_until_it_has_answered(modules: dict[str, ModuleType]) -> None:
    models = modules["models"]
    call = models.ToolCall("1", "calculate", {"expression": "6 * 7"})
    model = Model(
        [models.Text("I "), models.Text("calculate."), call, models.End("tool_use", {"outputTokens": 3})],
        [models.Thinking(), models.Text("42"), models.End("end_turn", {"outputTokens": 1})],
    )

    assert events_of(modules, model) == [
        ("text", {"text": "I "}),
        ("text", {"text": "calculate."}),
        ("tool", {"id": "1", "name": "calculate", "input": {"expression": "6 * 7"}}),
        ("result", {"id": "1", "output": {"value": 42.0}, "isError": False}),
        ("text", {"text": "42"}),
        ("done", {"stopReason": "end_turn", "usage": {"outputTokens": 4}}),
    ]
    used = {"toolUse": {"toolUseId": "1", "name": "calculate", "input": {"expression": "6 * 7"}}}
    result = {"toolUseId": "1", "content": [{"json": {"value": 42.0}}], "status": "success"}
    assert model.asked[1][1:] == [
        {"role": "assistant", "content": [{"text": "I calculate."}, used]},
        {"role": "user", "content": [{"toolResult": result}]},
    ]


def test_an_error_of_a_tool_is_for_the_model_which_goes_on(modules: dict[str, ModuleType]) -> None:
    models = modules["models"]
    model = Model(
        [models.Text(" "), models.ToolCall("1", "missing", None), models.End("tool_use", {})],
        [models.End("end_turn", {})],
    )

    events = events_of(modules, model)

    (output,) = (data for name, data in events if name == "result")
    assert output["isError"] is True
    (result,) = model.asked[1][-1]["content"]
    assert result["toolResult"]["status"] == "error"
    assert model.asked[1][1]["content"] == [{"toolUse": {"toolUseId": "1", "name": "missing", "input": {}}}]


def test_a_model_that_calls_tools_for_ever_is_ended(modules: dict[str, ModuleType]) -> None:
    models, limit = modules["models"], modules["agent"].MAX_TURNS
    turn = [models.ToolCall("1", "calculate", {"expression": "1"}), models.End("tool_use", {"outputTokens": 1})]

    events = events_of(modules, Model(*[turn] * limit))

    assert events[-1] == ("done", {"stopReason": "max_turns", "usage": {"outputTokens": limit}})


# --- figures ---------------------------------------------------------------------------------------------------------


def test_the_record_of_the_stream_gets_the_tokens_and_the_time_in_tools(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, clock = modules["models"], Clock()

    def at(time: float, item: Any) -> Any:
        clock.now = time
        return item

    class Paced(Model):
        def answer(self, system: str, messages: list[Any], tools: list[Any]) -> Iterator[Any]:
            return (at(*timed) for timed in self.answers.pop(0))

    def calculate(_call: Any) -> Any:
        clock.now += 4
        return {}, False

    monkeypatch.setattr(modules["agent"], "use", calculate)
    generation = Generation(clock)
    call = models.ToolCall("1", "calculate", {"expression": "6 * 7"})
    model = Paced(
        [(0.5, models.Thinking()), (1.5, call), (2.0, models.End("tool_use", {"outputTokens": 3}))],
        [(7.0, models.Text("42")), (8.0, models.End("end_turn", {"outputTokens": 7}))],
    )

    events_of(modules, model, generation)

    assert generation.time_to_first_token == 1.5
    assert generation.output_tokens == 10
    assert generation.tool_time == 4
    assert generation.tokens_per_second == 10 / (8 - 1.5 - 4)


# --- requests --------------------------------------------------------------------------------------------------------


def sent(modules: dict[str, ModuleType], method: str, path: str, body: str = "") -> Any:
    told = event("chat")
    told["requestContext"]["http"].update(method=method, path=path)
    told.update(rawPath=path, body=body)
    return testing.call(modules["app"].lambda_handler, told, Context())


TOO_LONG = json.dumps({"messages": [{"role": "user", "content": "x" * 50_001}]})
TOO_MANY = json.dumps({"messages": [{"role": ("user", "assistant")[i % 2], "content": "x"} for i in range(101)]})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is empty; it must be JSON"),
        ("{", "the body is not JSON"),
        ("[]", "the body must be"),
        ('{"messages": []}', "the body must be"),
        ('{"messages": "Why?"}', "the body must be"),
        ('{"messages": ["Why?"]}', "messages[0] must have the role user"),
        ('{"messages": [{"role": "system", "content": "Obey."}]}', "messages[0] must have the role user"),
        ('{"messages": [{"role": "user", "content": " "}]}', "messages[0] must have the role user"),
        ('{"messages": [{"role": "user", "content": [{"text": "x"}]}]}', "messages[0] must have the role user"),
        ('{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}', "messages[1] must have"),
        (
            '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
            "the last message must have the role user",
        ),
        (TOO_LONG, "50001 characters; at most 50000"),
        (TOO_MANY, "101 messages; at most 100"),
    ],
)
def test_what_is_no_conversation_is_refused(body: str, message: str, modules: dict[str, ModuleType]) -> None:
    answer = sent(modules, "POST", "/runs", body)

    assert answer.status_code == 400
    assert message in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/runs"),
        ("POST", "/"),
        ("GET", "/app.py"),
        ("GET", "/../app.py"),
        ("GET", "/page/index.html"),
        ("DELETE", "/runs/a/events"),
        ("GET", "/runs//events"),
        ("GET", "/runs/AAAAAAAAAAAAAAAAAAAAAA/events"),
    ],
)
def test_another_path_or_method_is_not_found(method: str, path: str, modules: dict[str, ModuleType]) -> None:
    assert sent(modules, method, path).status_code == 404


def test_the_key_of_a_run_cannot_be_guessed_and_holds_its_caller(modules: dict[str, ModuleType]) -> None:
    runs = modules["runs"]
    ids = {runs.new_id() for _ in range(100)}

    assert len(ids) == 100
    assert {len(run_id) for run_id in ids} == {runs.ID_LENGTH}
    assert len({runs.key_of("id", caller) for caller in ("ann", "bo")}) == 2


def test_the_events_of_errors_say_nothing_of_their_causes(modules: dict[str, ModuleType]) -> None:
    models, tell = modules["models"], modules["app"].tell
    error = models.ModelError("account 123456789012", code="ThrottlingException", message="Later.", retry=500)

    expected = {"error": "ThrottlingException", "message": "Later."}
    assert tell(error) == Event(expected, event="error", retry=500)
    assert tell(KeyError("secret")) == Event({"error": "AgentError", "message": "The agent has failed."}, event="error")


def test_the_page_runs_no_script_but_its_own(modules: dict[str, ModuleType]) -> None:
    for path in ("/", "/app.js", "/style.css"):
        answer = sent(modules, "GET", path)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


# --- the script ------------------------------------------------------------------------------------------------------


@pytest.fixture
def script(modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(modules["models.scripted"], "PAUSE", 0)
    return modules["models.scripted"]


def test_the_script_uses_both_tools_and_draws_its_conclusion(modules: dict[str, ModuleType], script: Any) -> None:
    question = [{"role": "user", "content": [{"text": "Farther from bell rock or from Jeddah?"}]}]

    events = [(item.event, item.data) for item in modules["agent"].run(script, question, Generation(Clock()))]

    assert [data["name"] for name, data in events if name == "tool"] == ["lighthouse"] * 2 + ["calculate"] * 2
    said = "".join(data["text"] for name, data in events if name == "text")
    assert said.endswith(
        "you see 21 km from Bell Rock and 41 km from Jeddah. So it is Jeddah, if you do not mind the stairs."
    )
    assert events[-1][1]["stopReason"] == "end_turn"


def test_the_script_fails_on_request(modules: dict[str, ModuleType], script: Any) -> None:
    question = [{"role": "user", "content": [{"text": "Fail!"}]}]

    with pytest.raises(modules["models"].ModelError) as failure:
        list(script.answer("", question, []))

    assert failure.value.retry == 2000


def test_a_question_that_the_script_does_not_know_is_answered_by_an_introduction(script: Any) -> None:
    *words, end = script.answer("", [{"role": "user", "content": [{"text": "Why?"}]}], [])

    assert "".join(word.text for word in words) == script.INTRODUCTION
    assert end.usage["outputTokens"] == len(words)
