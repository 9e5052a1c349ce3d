"""The recipes of docs/guides/agents for protocols, as they stand there, read by the packages that people use."""

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent_functions import AI_SDK_CHAT, PAGES, Function, node_client, python_client, write_template
from agent_packages import agent_node
from chromium import browsing, find_chromium
from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import clean_environment
from url_client import request
from waiting import TIMEOUT_S, wait_until

(AI_SDK,) = blocks(PAGES / "ai-sdk.md", "py")
(AI_SDK_CLIENT,) = blocks(PAGES / "ai-sdk.md", "js")
(AG_UI,) = blocks(PAGES / "ag-ui.md", "py")
(AG_UI_CLIENT,) = blocks(PAGES / "ag-ui.md", "js")
CHAT, CHUNKS, RESPONSES, EVENTS, OPENAI_CLIENT = blocks(PAGES / "openai.md", "py")
(OPENAI_JS_CLIENT,) = blocks(PAGES / "openai.md", "js")
MCP, FASTMCP, SLOW_MCP, MCP_CLIENT = blocks(PAGES / "mcp.md", "py")
(MCP_JS_CLIENT,) = blocks(PAGES / "mcp.md", "js")
SLOW_FASTMCP = """
import asyncio
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_request
from lambda_streamify import asgi, deadline
server = FastMCP("slow")
lambda_handler = asgi.handler(server.http_app(stateless_http=True))
@server.tool
async def search(query: str) -> str:
    end = deadline(get_http_request().scope["aws.context"], margin=2)
    await asyncio.wait_for(asyncio.sleep(3600), end.remaining)
"""
FUNCTIONS = {
    "ai-sdk": AI_SDK,
    "ai-sdk-aborting": AI_SDK.replace(
        '    yield {"type": "finish"', '    yield {"type": "abort"}\n    yield {"type": "finish"'
    ),
    "ag-ui": AG_UI,
    "chat": f"{CHAT}\n{CHUNKS}",
    "responses": f"{RESPONSES}\n{EVENTS}",
    "mcp": MCP,
    "mcp-checked": MCP.replace(", transport_security=any_host", ""),
    "fastmcp": FASTMCP,
}
# The margin in the handlers is 2 seconds, so their deadline comes after as many.
BRIEF_S = 4
BRIEF_FUNCTIONS = {
    **{f"{name}-brief": FUNCTIONS[name] for name in ("ai-sdk", "ag-ui", "chat", "responses")},
    "slow-mcp": SLOW_MCP,
    "slow-fastmcp": SLOW_FASTMCP,
}
HOST = "abc.lambda-url.us-east-1.on.aws"
WORDS = ["one ", "two ", "three "]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("agents")
    functions = {name: Function(code) for name, code in FUNCTIONS.items()}
    functions |= {name: Function(code, timeout=BRIEF_S) for name, code in BRIEF_FUNCTIONS.items()}
    template = write_template(folder, functions)
    with emulating(folder, cache, "--allow-host", HOST, template=template, measured=False) as emulator:
        yield emulator


def gated(gate: Gate) -> str:
    return f"gate={gate.address} one two three"


@pytest.mark.parametrize("code", [AI_SDK, AG_UI, CHAT, CHUNKS, RESPONSES, EVENTS, MCP, FASTMCP, SLOW_MCP])
def test_a_recipe_is_short(code: str) -> None:
    assert len([line for line in code.splitlines() if line]) <= 25


# --- AI SDK ----------------------------------------------------------------------------------------------------------


def test_the_ai_sdk_shows_each_text_while_the_model_holds_the_next_one_back(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    with node_client(AI_SDK_CLIENT, emulator.urls["ai-sdk"], gated(gate)) as client:
        for number in range(3):
            text = ""
            while text != "".join(WORDS[: number + 1]):
                parts = client.next()["parts"]
                text = parts[-1]["text"] if parts else ""
            gate.open()
        assert client.rest()[-1]["parts"] == [{"type": "text", "text": "one two three ", "state": "done"}]


def test_the_ai_sdk_shows_the_error(emulator: EmulatorProcess) -> None:
    with node_client(AI_SDK_CLIENT, emulator.urls["ai-sdk"], "one fail") as client:
        shown = client.rest()

    texts = [message["parts"][0]["text"] for message in shown if isinstance(message, dict) and message["parts"]]
    assert "Error: The answer has failed. Try again." in shown
    assert texts[-1] == "one "


def test_a_chat_of_the_ai_sdk_is_told_whether_the_answer_is_whole(emulator: EmulatorProcess) -> None:
    with node_client(AI_SDK_CHAT, emulator.urls["ai-sdk"], "one two") as client:
        assert client.rest() == ["stop", "ready", "one two ", "done"]
    with node_client(AI_SDK_CHAT, emulator.urls["ai-sdk-brief"], "one forever") as client:
        reason, status, text, state = client.rest()

    assert (reason, status, state) == ("length", "ready", "done")
    assert text.startswith("one forever ")


def test_a_chat_of_the_ai_sdk_ignores_an_abort_from_the_server(emulator: EmulatorProcess) -> None:
    """So the page ends a message that is cut with `finish`."""
    with node_client(AI_SDK_CHAT, emulator.urls["ai-sdk-aborting"], "one two") as client:
        assert client.rest()[:2] == ["stop", "ready"]


def test_the_ai_sdk_reads_the_stream_in_chromium(emulator: EmulatorProcess, gate: Gate, tmp_path: Path) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium on the PATH")
    node = agent_node()
    (tmp_path / "page.js").write_text(
        f"const FUNCTION_URL = {emulator.urls['ai-sdk']!r}, PROMPT = {gated(gate)!r};\n"
        "const show = (message) => { document.body.innerText = message.parts?.at(-1)?.text ?? String(message); };\n"
        f"{AI_SDK_CLIENT}\ndocument.title = 'read';\n"
    )
    command: list[str | Path] = [
        node / "node_modules" / ".bin" / "esbuild",
        tmp_path / "page.js",
        "--bundle",
        "--format=esm",
        f"--outfile={tmp_path / 'out.js'}",
        "--log-level=error",
    ]
    environment = clean_environment(NODE_PATH=str(node / "node_modules"))
    subprocess.run(command, env=environment, check=True, timeout=TIMEOUT_S)
    with browsing(program, tmp_path / "profile") as page:

        def shown(text: str) -> bool:
            return page.text().strip() == text

        script = json.dumps((tmp_path / "out.js").read_text())
        # about:blank is another origin than the function's, so the browser asks for CORS.
        page.evaluate(
            f"document.head.append(Object.assign(document.createElement('script'), "
            f"{{type: 'module', textContent: {script}}}))"
        )
        for number in range(3):
            text = "".join(WORDS[: number + 1]).strip()
            wait_until(partial(shown, text), f"{text!r}: {page.text()!r} {page.console}")
            gate.open()
        page.wait_for("document.title === 'read'")


def test_a_request_that_is_no_json_has_status_400(emulator: EmulatorProcess) -> None:
    for name in ("ai-sdk", "ag-ui", "chat", "responses"):
        assert request(emulator.urls[name], method="POST", body=b"{").status == 400


# --- AG-UI -----------------------------------------------------------------------------------------------------------


def test_ag_ui_shows_each_text_while_the_model_holds_the_next_one_back(emulator: EmulatorProcess, gate: Gate) -> None:
    with node_client(AG_UI_CLIENT, emulator.urls["ag-ui"], gated(gate)) as client:
        for word in WORDS:
            assert client.next() == word
            gate.open()
        assert client.rest() == []


def test_ag_ui_shows_the_error(emulator: EmulatorProcess) -> None:
    code = AG_UI_CLIENT.replace("await agent.runAgent", "agent.runAgent").rstrip().rstrip(";") + ".catch(show);"
    with node_client(code, emulator.urls["ag-ui"], "one fail") as client:
        assert client.rest()[:2] == ["one ", "The answer has failed. Try again."]


def test_ag_ui_is_told_that_the_time_was_up(emulator: EmulatorProcess) -> None:
    code = AG_UI_CLIENT.replace("await agent.runAgent", "agent.runAgent").rstrip().rstrip(";") + ".catch(show);"
    with node_client(code, emulator.urls["ag-ui-brief"], "one forever") as client:
        shown = client.rest()

    texts = shown[: shown.index("The answer took too long.")]
    assert texts[:2] == ["one ", "forever "]
    assert set(texts) == {"one ", "forever "}


# --- OpenAI-compatible -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("run", "code"), [(python_client, OPENAI_CLIENT), (node_client, OPENAI_JS_CLIENT)])
def test_openai_shows_each_text_while_the_model_holds_the_next_one_back(
    run: Any, code: str, emulator: EmulatorProcess, gate: Gate
) -> None:
    with run(code, emulator.urls["chat"], gated(gate)) as client:
        for word in WORDS:
            assert client.next() == word
            gate.open()
        assert client.rest() == []


OPENAI = """
from openai import APIError, APIStatusError, OpenAI
client = OpenAI(base_url=FUNCTION_URL, api_key="any", max_retries=0)
def ask(prompt, model="parrot", **options):
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(model=model, messages=messages, **options)
"""
OPENAI_JS = """
import OpenAI from "openai";
const client = new OpenAI({ baseURL: FUNCTION_URL, apiKey: "any", maxRetries: 0 });
const ask = (content, options = {}) =>
  client.chat.completions.create({ model: "parrot", messages: [{ role: "user", content }], ...options });
"""
CASES = """
answer = ask("one two")
show([answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.total_tokens])
call = ask("tool").choices[0]
show([call.finish_reason, call.message.tool_calls[0].function.name, call.message.tool_calls[0].function.arguments])
last = list(ask("one two", stream=True, stream_options={"include_usage": True}))[-1]
show([last.usage.completion_tokens])
with client.chat.completions.stream(model="parrot", messages=[{"role": "user", "content": "tool"}]) as stream:
    stream.until_done()
    call = stream.get_final_completion().choices[0]
show([call.finish_reason, call.message.tool_calls[0].function.name, call.message.tool_calls[0].function.arguments])
try:
    ask("one", model="none")
except APIStatusError as error:
    show([error.status_code, type(error).__name__, error.body["message"]])
try:
    for chunk in ask("one fail", stream=True):
        if chunk.choices[0].delta.content:
            show(chunk.choices[0].delta.content)
except APIError as error:
    show([type(error).__name__, error.message])
"""
CASES_JS = """
const answer = await ask("one two");
show([answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.total_tokens]);
const called = (await ask("tool")).choices[0];
const whole = called.message.tool_calls[0].function;
show([called.finish_reason, whole.name, whole.arguments]);
let last;
for await (last of await ask("one two", { stream: true, stream_options: { include_usage: true } }));
show([last.usage.completion_tokens]);
const stream = client.chat.completions.stream({ model: "parrot", messages: [{ role: "user", content: "tool" }] });
const call = (await stream.finalChatCompletion()).choices[0];
show([call.finish_reason, call.message.tool_calls[0].function.name, call.message.tool_calls[0].function.arguments]);
await ask("one", { model: "none" }).catch((error) => show([error.status, error.constructor.name, error.error.message]));
try {
  for await (const chunk of await ask("one fail", { stream: true })) {
    if (chunk.choices[0].delta.content) show(chunk.choices[0].delta.content);
  }
} catch (error) {
  show([error.constructor.name, error.message]);
}
"""
CALL = ["tool_calls", "weather", '{"city": "Brno"}']
FAILED = "The answer has failed. Try again."


@pytest.mark.parametrize(("run", "code"), [(python_client, OPENAI + CASES), (node_client, OPENAI_JS + CASES_JS)])
def test_openai_gets_whole_answers_tool_calls_usage_and_errors(run: Any, code: str, emulator: EmulatorProcess) -> None:
    with run(code, emulator.urls["chat"]) as client:
        assert client.rest() == [
            ["one two ", "stop", 2],
            CALL,
            [2],
            CALL,
            [404, "NotFoundError", "There is no model none."],
            "one ",
            ["APIError", FAILED],
        ]


RESPONSES_PY = """
with client.responses.stream(model="parrot", input=PROMPT) as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            show(event.delta)
    show(stream.get_final_response().output_text)
show(client.responses.create(model="parrot", input="one two").output_text)
try:
    list(client.responses.create(model="parrot", input="one fail", stream=True))
except APIError as error:
    show(error.message)
"""
RESPONSES_JS = """
const stream = client.responses.stream({ model: "parrot", input: PROMPT });
for await (const event of stream) if (event.type === "response.output_text.delta") show(event.delta);
show((await stream.finalResponse()).output_text);
show((await client.responses.create({ model: "parrot", input: "one two" })).output_text);
try {
  for await (const event of await client.responses.create({ model: "parrot", input: "one fail", stream: true }));
} catch (error) {
  show(error.message);
}
"""


@pytest.mark.parametrize(
    ("run", "code"), [(python_client, OPENAI + RESPONSES_PY), (node_client, OPENAI_JS + RESPONSES_JS)]
)
def test_openai_reads_responses(run: Any, code: str, emulator: EmulatorProcess, gate: Gate) -> None:
    with run(code, emulator.urls["responses"], gated(gate)) as client:
        for word in WORDS:
            assert client.next() == word
            gate.open()
        assert client.rest() == ["one two three ", "one two ", FAILED]


DEADLINE_PY = """
*_, last = ask("one forever", stream=True)
show(last.choices[0].finish_reason)
whole = ask("one forever").choices[0]
show([whole.finish_reason, whole.message.content[:12]])
"""
DEADLINE_JS = """
let last;
for await (last of await ask("one forever", { stream: true }));
show(last.choices[0].finish_reason);
const whole = (await ask("one forever")).choices[0];
show([whole.finish_reason, whole.message.content.slice(0, 12)]);
"""
RESPONSES_DEADLINE_PY = """
with client.responses.stream(model="parrot", input="one forever") as stream:
    *_, last = stream
    show([last.type, last.response.status, last.response.incomplete_details.reason, last.response.output_text[:12]])
    try:
        stream.get_final_response()
    except RuntimeError:
        show("no final response")
whole = client.responses.create(model="parrot", input="one forever")
show([whole.status, whole.output_text[:12]])
"""
RESPONSES_DEADLINE_JS = """
const stream = client.responses.stream({ model: "parrot", input: "one forever" });
let last;
for await (last of stream);
const { status, incomplete_details: details } = last.response;
show([last.type, status, details.reason, last.response.output[0].content[0].text.slice(0, 12)]);
show((await stream.finalResponse()).status === "incomplete" ? "no final response" : "complete");
const whole = await client.responses.create({ model: "parrot", input: "one forever" });
show([whole.status, whole.output_text.slice(0, 12)]);
"""


@pytest.mark.parametrize(
    ("run", "code"), [(python_client, OPENAI + DEADLINE_PY), (node_client, OPENAI_JS + DEADLINE_JS)]
)
def test_a_chat_completion_that_is_out_of_time_ends_with_length(run: Any, code: str, emulator: EmulatorProcess) -> None:
    with run(code, emulator.urls["chat-brief"]) as client:
        assert client.rest() == ["length", ["length", "one forever "]]


@pytest.mark.parametrize(
    ("run", "code"),
    [(python_client, OPENAI + RESPONSES_DEADLINE_PY), (node_client, OPENAI_JS + RESPONSES_DEADLINE_JS)],
)
def test_a_response_that_is_out_of_time_is_incomplete(run: Any, code: str, emulator: EmulatorProcess) -> None:
    with run(code, emulator.urls["responses-brief"]) as client:
        assert client.rest() == [
            ["response.incomplete", "incomplete", "max_output_tokens", "one forever "],
            "no final response",
            ["incomplete", "one forever "],
        ]


# --- MCP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("run", "code"), [(python_client, MCP_CLIENT), (node_client, MCP_JS_CLIENT)])
@pytest.mark.parametrize("name", ["mcp", "fastmcp"])
def test_mcp_clients_see_the_progress_and_then_the_result(
    run: Any, code: str, name: str, emulator: EmulatorProcess
) -> None:
    with run(code, emulator.urls[name]) as client:
        assert client.rest() == [1, 2, 3, "counted to 3"]


@pytest.mark.parametrize(("name", "status"), [("mcp-checked", 421), ("mcp", 200), ("fastmcp", 200)])
def test_the_server_of_the_mcp_sdk_refuses_the_host_of_a_function_unless_it_is_told(
    name: str, status: int, emulator: EmulatorProcess
) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {
        "host": HOST,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-06-18",
    }
    reply = request(emulator.urls[name], "/mcp", method="POST", body=json.dumps(message).encode(), headers=headers)

    assert reply.status == status


SEARCH_PY = """
import asyncio
from mcp import MCPError
from mcp.client import Client

async def main():
    async def progress(done, total, message):
        show(done)

    async with Client(FUNCTION_URL + "mcp") as client:
        try:
            result = await client.call_tool("search", {"query": "one"}, progress_callback=progress)
            show(["result", result.is_error])
        except MCPError as error:
            show([error.code, error.message])

asyncio.run(main())
"""
SEARCH_JS = (
    MCP_JS_CLIENT.partition("const call =")[0]
    + """
const call = { name: "search", arguments: { query: "one" } };
await client.callTool(call, undefined, { onprogress: ({ progress }) => show(progress) }).then(
  (result) => show(["result", result.isError]),
  (error) => show([error.code, error.message.replace(/^MCP error [-0-9]+: /, "")]),
);
await client.close();
"""
)


@pytest.mark.parametrize(("run", "code"), [(python_client, SEARCH_PY), (node_client, SEARCH_JS)])
def test_an_mcp_tool_that_is_out_of_time_is_an_error_of_the_protocol(
    run: Any, code: str, emulator: EmulatorProcess
) -> None:
    with run(code, emulator.urls["slow-mcp"]) as client:
        assert client.rest() == [1, [-32001, "The search took too long."]]


@pytest.mark.parametrize(("run", "code"), [(python_client, SEARCH_PY), (node_client, SEARCH_JS)])
def test_a_tool_of_fastmcp_that_is_out_of_time_is_a_result_with_an_error(
    run: Any, code: str, emulator: EmulatorProcess
) -> None:
    with run(code, emulator.urls["slow-fastmcp"]) as client:
        assert client.rest() == [["result", True]]
