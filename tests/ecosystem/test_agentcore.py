"""The same app under bedrock-agentcore's own server code and in a function, with the one import changed."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent_functions import DATA, PAGES, Function, write_template
from agent_packages import agent_python
from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import clean_environment
from url_client import request, wire
from waiting import TIMEOUT_S

SOURCE = (DATA / "agentcore_agent.py").read_text()
HERE = SOURCE.replace("from bedrock_agentcore import", "from lambda_streamify.agentcore import").replace(
    "from bedrock_agentcore.runtime import", "from lambda_streamify.agentcore import"
)
(PAGE,) = blocks(PAGES / "agentcore.md", "py")
SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
HEADERS = {
    SESSION: "session-1",
    "X-Amzn-Bedrock-AgentCore-Runtime-Request-Id": "request-1",
    "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Team": "blue",
    "Authorization": "Bearer any",
    "X-Other": "seen",
    "User-Agent": "test",
    "Content-Type": "application/json",
    "Cookie": "a=1",
}
# Function URLs add these, whose values no other server knows.
ADDED = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"}

# Answers each request of its input, a JSON list, by the app under Starlette; writes the answers.
SERVER = """
import asyncio, base64, json, sys
import httpx
sys.path.insert(0, sys.argv[1])
from agentcore_agent import app

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent") as client:
        for method, path, headers, body in json.load(sys.stdin):
            client.headers.clear()
            answer = await client.request(method, path, headers=headers, content=base64.b64decode(body))
            content_type = answer.headers.get("content-type")
            print(json.dumps([answer.status_code, content_type, base64.b64encode(answer.content).decode()]))

asyncio.run(main())
"""


class Case(NamedTuple):
    body: bytes = b""
    method: str = "POST"
    path: str = "/invocations"


def asking(case: str, **fields: Any) -> Case:
    return Case(json.dumps({"case": case, **fields}).encode())


CASES = {
    "an async generator": asking("words"),
    "a generator": asking("plain words"),
    "an async generator that fails": asking("failing"),
    "a generator that fails": asking("failing plainly"),
    "a value": asking("value", value={"text": "žluť", "numbers": [1, 2.5, None]}),
    "text": asking("value", value="text"),
    "nothing": asking("value"),
    "an error": asking("raises"),
    "an error of the payload": Case(b"{}"),
    "headers": asking("headers"),
    "no JSON": Case(b"{"),
    "no body": Case(b""),
    "no UTF-8": Case(b'"\xff"'),
    "another path": Case(b"{}", path="/other"),
    "another method": Case(method="GET"),
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("agentcore")
    files = {"model.py": "model.py"}
    functions = {
        "app": Function(HERE, {}, handler="app.app", environment="agentcore"),
        "page": Function(PAGE, files, handler="app.app", environment="agentcore"),
    }
    with emulating(folder, cache, template=write_template(folder, functions), measured=False) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def theirs() -> dict[str, tuple[int, str | None, bytes]]:
    """What bedrock-agentcore answers to each case."""
    asked = [[c.method, c.path, HEADERS, base64.b64encode(c.body).decode()] for c in CASES.values()]
    answered = subprocess.run(
        [agent_python("agentcore"), "-c", SERVER, DATA],
        input=json.dumps(asked),
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert answered.returncode == 0, answered.stderr
    lines = [json.loads(line) for line in answered.stdout.splitlines()]
    return {
        name: (status, kind, base64.b64decode(body)) for name, (status, kind, body) in zip(CASES, lines, strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_a_function_answers_as_agentcore_does(
    name: str, theirs: dict[str, tuple[int, str | None, bytes]], emulator: EmulatorProcess
) -> None:
    case = CASES[name]
    reply = request(emulator.urls["app"], case.path, method=case.method, body=case.body, headers=HEADERS)
    status, content_type, body = theirs[name]

    assert reply.status == status
    assert [content_type] == reply.all("content-type")
    if name == "headers":
        assert without_added(reply.body) == without_added(body)
    else:
        assert reply.body == body


def without_added(body: bytes) -> Any:
    fields = json.loads(body)
    return {**fields, "headers": {name: value for name, value in fields["headers"].items() if name not in ADDED}}


def test_the_status_of_the_app_is_healthy(emulator: EmulatorProcess) -> None:
    reply = request(emulator.urls["app"], "/ping")

    assert reply.json()["status"] == "Healthy"
    assert set(reply.json()) == {"status", "time_of_last_update"}


def test_an_error_in_a_stream_is_logged(emulator: EmulatorProcess) -> None:
    with emulator.logged("[ERROR] ValueError: the model is gone"):
        request(emulator.urls["app"], "/", method="POST", body=asking("failing").body)


def test_the_page_s_app_sends_each_word_while_the_model_holds_the_next_one_back(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    body = json.dumps({"prompt": f"gate={gate.address} one two"}).encode()
    head = f"Content-Length: {len(body)}\r\n{SESSION}: session-1"
    with wire(emulator.urls["page"], "/invocations", head=head, body=body) as stream:
        for word in ("one ", "two "):
            stream.read_until(f'data: {{"text": "{word}", "session": "session-1"}}\n\n'.encode())
            gate.open()
        stream.read_until(b"\r\n0\r\n\r\n")
