"""Functions of the recipes for agents, and clients of them: each line that a client prints is JSON of what it saw."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from agent_packages import agent_node, agent_packages, agent_python
from processes import ROOT, clean_environment
from waiting import TIMEOUT_S

PAGES = ROOT / "docs" / "guides" / "agents"
DATA = ROOT / "tests" / "data" / "agents"
CORS = {"AllowOrigins": ["*"], "AllowMethods": ["POST"], "AllowHeaders": ["content-type"]}


# What `useChat` is made of. It shows why the message ended, the chat's status, and the last part of the message.
AI_SDK_CHAT = """
import { AbstractChat, DefaultChatTransport } from "ai";

class Chat extends AbstractChat {}
const state = {
  status: "ready", error: undefined, messages: [], snapshot: structuredClone,
  pushMessage(message) { this.messages.push(message); },
  popMessage() { this.messages.pop(); },
  replaceMessage(index, message) { this.messages[index] = message; },
};
const transport = new DefaultChatTransport({ api: FUNCTION_URL });
const chat = new Chat({ state, transport, onFinish: ({ finishReason }) => show(finishReason ?? null), onError: show });
await chat.sendMessage({ text: PROMPT });
show(chat.status);
const part = chat.messages.at(-1).parts.at(-1);
show(part.text ?? null);
show(part.state);
"""


class Function(NamedTuple):
    """A function of a recipe: `files` of tests/data/agents are the modules beside it, by the names that it imports."""

    code: str
    files: Mapping[str, str] = {"model.py": "model.py"}
    environment: str = "agents"
    timeout: int = 120
    handler: str = "app.lambda_handler"


def write_template(folder: Path, functions: Mapping[str, Function]) -> Path:
    """Return a template with these functions, each of which finds the packages of one environment."""
    layer = {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
    }
    resources: dict[str, Any] = {"StreamifyLayer": layer}
    for name, function in functions.items():
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(function.code)
        for module, file in function.files.items():
            (folder / name / module).write_text((DATA / file).read_text())
        (folder / name / "packages.pth").write_text(str(agent_packages(function.environment)))
        properties = {
            "FunctionName": name,
            "CodeUri": name,
            "Handler": function.handler,
            "Runtime": {"Ref": "PythonRuntime"},
            "Timeout": function.timeout,
            "Layers": [{"Ref": "StreamifyLayer"}],
            "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}},
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM", "Cors": CORS},
        }
        resources[name.title().replace("-", "")] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Parameters": {"PythonRuntime": {"Type": "String"}}, "Resources": resources}))
    return path


class Client:
    """A client that runs: `next` is what it shows next."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def next(self) -> Any:
        """Return the next value that the client shows, as soon as it does."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the client has ended: {self._errors()}"
        return json.loads(line)

    def rest(self) -> list[Any]:
        """Return all values that the client still shows; it has to end well."""
        assert self._process.stdout is not None
        values = [json.loads(line) for line in self._process.stdout]
        assert self._process.wait(TIMEOUT_S) == 0, self._errors()
        return values

    def _errors(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()


@contextmanager
def python_client(code: str, url: str, prompt: str = "", environment: str = "agents") -> Iterator[Client]:
    """Run Python code in which FUNCTION_URL, PROMPT and `show` have a meaning."""
    names = f"FUNCTION_URL, PROMPT = {url!r}, {prompt!r}\n"
    show = "def show(value):\n    import json\n    print(json.dumps(value), flush=True)\n"
    with _client([agent_python(environment), "-c", names + show + code]) as client:
        yield client


@contextmanager
def node_client(code: str, url: str, prompt: str = "") -> Iterator[Client]:
    """Run JavaScript in which FUNCTION_URL, PROMPT and `show` have a meaning, on Node.js 22."""
    folder = agent_node()
    shown = "(value) => console.log(JSON.stringify(value instanceof Error ? `${value.name}: ${value.message}` : value))"
    names = f"const FUNCTION_URL = {json.dumps(url)}, PROMPT = {json.dumps(prompt)}, show = {shown};\n"
    command: list[str | Path] = [
        folder / "node_modules" / ".bin" / "node",
        "--input-type=module",
        "--eval",
        names + code,
    ]
    with _client(command, folder) as client:
        yield client


@contextmanager
def _client(command: Sequence[str | Path], folder: Path | None = None) -> Iterator[Client]:
    with subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Client(process)
        finally:
            process.kill()
