"""The handlers of docs/guides/agents/frameworks.md, unchanged, each with a scripted model of its framework."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_functions import AI_SDK_CHAT, PAGES, Function, node_client, write_template
from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from url_client import Reply, request, wire

(AI_SDK_CLIENT,) = blocks(PAGES / "ai-sdk.md", "js")
(AG_UI_CLIENT,) = blocks(PAGES / "ag-ui.md", "js")
PYDANTIC_AI, USAGE, LANGGRAPH, LANGCHAIN, OPENAI_AGENTS, STRANDS = blocks(PAGES / "frameworks.md", "py")
# The handler of Pydantic AI with the page's `usage`, and with one that yields an event of AG-UI.
AG_UI_USAGE = """
from ag_ui.core import CustomEvent


async def ag_ui_usage(result):
    yield CustomEvent(name="usage", value={"outputTokens": result.usage.output_tokens})


completes = {"/": usage, "/ag-ui": ag_ui_usage}
"""
COMPLETING = PYDANTIC_AI.replace("adapter.run_stream()", "adapter.run_stream(on_complete=completes[request.path])")
HANDLERS = {
    "pydantic-ai": (PYDANTIC_AI, "pydantic_ai_agent.py", "agents"),
    "usage": (USAGE + AG_UI_USAGE + COMPLETING, "pydantic_ai_agent.py", "agents"),
    "langgraph": (LANGGRAPH, "langgraph_agent.py", "agents"),
    "langchain": (LANGCHAIN, "langgraph_agent.py", "agents"),
    "openai-agents": (OPENAI_AGENTS, "openai_agents_agent.py", "agents"),
    "strands": (STRANDS, "strands_agent.py", "strands"),
}
OWN_EVENTS = [name for name in HANDLERS if name not in ("pydantic-ai", "usage")]
# The margin in the handlers is 2 seconds, so their deadline comes after as many.
BRIEF_S = 4


def functions() -> Iterator[tuple[str, Function]]:
    for name, (code, agent, environment) in HANDLERS.items():
        files = {"agent.py": agent, "scripted_words.py": "scripted_words.py"}
        yield name, Function(code, files, environment)
        yield f"{name}-brief", Function(code, files, environment, BRIEF_S)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("frameworks")
    with emulating(folder, cache, template=write_template(folder, dict(functions())), measured=False) as emulator:
        yield emulator


def vercel(prompt: str) -> dict[str, Any]:
    message = {"id": "1", "role": "user", "parts": [{"type": "text", "text": prompt}]}
    return {"trigger": "submit-message", "id": "1", "messages": [message]}


def ag_ui(prompt: str) -> dict[str, Any]:
    message = {"id": "1", "role": "user", "content": prompt}
    lists: dict[str, Any] = {"messages": [message], "tools": [], "context": []}
    return {"threadId": "1", "runId": "1", "state": {}, "forwardedProps": {}, **lists}


def ask(url: str, asked: dict[str, Any], path: str = "/") -> Reply:
    return request(url, path, method="POST", body=json.dumps(asked).encode())


def events(reply: Reply) -> list[Any]:
    """Return the data of each event."""
    assert reply.status == 200
    data = [line.removeprefix("data: ") for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


def only(found: list[Any], *types: str) -> list[Any]:
    return [event for event in found if event != "[DONE]" and event["type"] in types]


@pytest.mark.parametrize("code", [PYDANTIC_AI, USAGE, LANGGRAPH, LANGCHAIN, OPENAI_AGENTS, STRANDS])
def test_a_handler_is_short(code: str) -> None:
    assert len([line for line in code.splitlines() if line]) <= 25


@pytest.mark.parametrize(
    ("name", "path", "asked"),
    [
        ("pydantic-ai", "/", vercel),
        ("pydantic-ai", "/ag-ui", ag_ui),
        *((name, "/", lambda prompt: {"prompt": prompt}) for name in OWN_EVENTS),
    ],
)
def test_a_token_leaves_while_the_model_holds_the_next_one_back(
    name: str, path: str, asked: Any, emulator: EmulatorProcess, gate: Gate
) -> None:
    body = json.dumps(asked(f"gate={gate.address} one two three")).encode()
    with wire(emulator.urls[name], path, head=f"Content-Length: {len(body)}", body=body) as stream:
        for word in (b'"one ', b'"two ', b'"three '):
            stream.read_until(word)
            gate.open()
        stream.read_until(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("name", OWN_EVENTS)
def test_tool_calls_text_and_usage_arrive(name: str, emulator: EmulatorProcess) -> None:
    found = events(ask(emulator.urls[name], {"prompt": "one two"}))

    assert [event["text"] for event in only(found, "text")] == ["one ", "two "]
    (call,) = only(found, "tool")
    given = call["input"]
    assert call["name"] == "weather"
    assert (json.loads(given) if isinstance(given, str) else given) == {"city": "Brno"}
    assert [event["output"] for event in only(found, "result")] == ["sunny in Brno"]
    usage = only(found, "usage")[-1]
    # The scripted model of Strands reports 3 for each of its two calls, and Strands adds them up.
    assert usage.get("output_tokens", usage.get("outputTokens")) == (6 if name == "strands" else 3)


@pytest.mark.parametrize("name", OWN_EVENTS)
def test_an_error_of_the_model_is_the_last_event_and_is_logged(name: str, emulator: EmulatorProcess) -> None:
    error = "EventLoopException" if name == "strands" else "ValueError"
    with emulator.logged(f"[ERROR] {error}: the model is gone"):
        found = events(ask(emulator.urls[name], {"prompt": "one fail"}))

    assert found[-1] == {"errorType": error, "errorMessage": "the model is gone"}
    # The OpenAI Agents SDK drops the events that its queue still holds.
    texts = [event["text"] for event in found if event.get("type") == "text"]
    assert texts == ["one "] or name == "openai-agents"


@pytest.mark.parametrize("name", OWN_EVENTS)
def test_a_deadline_ends_the_stream_with_an_event(name: str, emulator: EmulatorProcess) -> None:
    found = events(ask(emulator.urls[f"{name}-brief"], {"prompt": "one hang"}))

    assert found[-1] == {"type": "timeout"}


def test_pydantic_ai_calls_tools_in_both_protocols(emulator: EmulatorProcess) -> None:
    url = emulator.urls["pydantic-ai"]
    reply = ask(url, vercel("one two"))
    parts = events(reply)
    run = events(ask(url, ag_ui("one two"), "/ag-ui"))

    assert reply.all("x-vercel-ai-ui-message-stream") == ["v1"]
    assert reply.all("content-type") == ["text/event-stream"]
    assert only(parts, "tool-input-available")[0]["input"] == {"city": "Brno"}
    assert only(parts, "tool-output-available")[0]["output"] == "sunny in Brno"
    assert [part["delta"] for part in only(parts, "text-delta")] == ["one ", "two "]
    assert parts[-1] == "[DONE]"
    assert only(run, "TOOL_CALL_RESULT")[0]["content"] == "sunny in Brno"
    assert [event["delta"] for event in only(run, "TEXT_MESSAGE_CONTENT")] == ["one ", "two "]
    assert run[-1]["type"] == "RUN_FINISHED"


def test_pydantic_ai_sends_an_error_and_does_not_raise_it(emulator: EmulatorProcess) -> None:
    url = emulator.urls["pydantic-ai"]
    before = emulator.log()
    parts, run = events(ask(url, vercel("one fail"))), events(ask(url, ag_ui("one fail"), "/ag-ui"))

    assert only(parts, "error") == [{"type": "error", "errorText": "the model is gone"}]
    assert run[-1]["type"] == "RUN_ERROR"
    assert run[-1]["message"] == "the model is gone"
    assert "the model is gone" not in emulator.log().removeprefix(before)


def test_a_deadline_ends_the_protocols_of_pydantic_ai(emulator: EmulatorProcess) -> None:
    url = emulator.urls["pydantic-ai-brief"]

    assert events(ask(url, vercel("one hang")))[-2:] == [{"type": "finish", "finishReason": "length"}, "[DONE]"]
    assert events(ask(url, ag_ui("one hang"), "/ag-ui"))[-1]["type"] == "RUN_ERROR"


def test_the_clients_of_both_protocols_are_told_that_the_time_was_up(emulator: EmulatorProcess) -> None:
    url = emulator.urls["pydantic-ai-brief"]
    with node_client(AI_SDK_CHAT, url, "one hang") as client:
        assert client.rest() == ["length", "ready", "one ", "streaming"]
    code = AG_UI_CLIENT.replace("await agent.runAgent", "agent.runAgent").rstrip().rstrip(";") + ".catch(show);"
    with node_client(code, f"{url}ag-ui", "one hang") as client:
        assert client.rest()[:2] == ["one ", "The answer took too long."]


def test_the_client_of_the_ai_sdk_finds_the_usage_that_on_complete_sends(emulator: EmulatorProcess) -> None:
    url = emulator.urls["usage"]
    whole, cut = events(ask(url, vercel("one two"))), events(ask(url, vercel("one fail")))
    with node_client(AI_SDK_CLIENT, url, "one two") as client:
        metadata = client.rest()[-1]["metadata"]

    # The adapter sends metadata of its own, too, and the client joins them.
    (sent,) = [part for part in only(whole, "message-metadata") if "outputTokens" in part["messageMetadata"]]
    assert sent["messageMetadata"]["outputTokens"] == metadata["outputTokens"] > 0
    assert [part for part in only(cut, "message-metadata") if "outputTokens" in part["messageMetadata"]] == []


def test_on_complete_may_yield_events_of_ag_ui(emulator: EmulatorProcess) -> None:
    found = events(ask(emulator.urls["usage"], ag_ui("one two"), "/ag-ui"))

    (sent,) = only(found, "CUSTOM")
    assert (sent["name"], sent["value"]["outputTokens"] > 0) == ("usage", True)
    assert found[-1]["type"] == "RUN_FINISHED"


def test_the_clients_of_both_protocols_read_pydantic_ai(emulator: EmulatorProcess) -> None:
    url = emulator.urls["pydantic-ai"]
    with node_client(AI_SDK_CLIENT, url, "one two") as client:
        tool, text = (part for part in client.rest()[-1]["parts"] if part["type"] != "step-start")
    with node_client(AG_UI_CLIENT, f"{url}ag-ui", "one two") as client:
        assert client.rest() == ["one ", "two "]

    assert (tool["state"], text["text"]) == ("output-available", "one two ")


@pytest.mark.parametrize("path", ["/", "/ag-ui"])
def test_pydantic_ai_refuses_a_request_of_another_form_with_status_400(path: str, emulator: EmulatorProcess) -> None:
    assert ask(emulator.urls["pydantic-ai"], {"prompt": "one"}, path).status == 400
