"""`streamify serve --debug` with debugpy itself, which is spoken to as an editor does: the Debug Adapter Protocol."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from url_client import request
from waiting import TIMEOUT_S

TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Parameters: {{PythonRuntime: {{Type: String}}}}
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{LayerName: streamify, ContentUri: {ROOT}/layers/streamify/}}
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: stream
      Runtime: !Ref PythonRuntime
      Handler: app.lambda_handler
      CodeUri: code/
      Timeout: 1
      Layers: [!Ref StreamifyLayer]
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
"""
HANDLER = """\
def lambda_handler(event, context):
    def body():
        left = context.get_remaining_time_in_millis
        for number in range(2):
            yield f"{number}\\n"
    return {"statusCode": 200, "body": body()}
"""
YIELDS = 5  # the line that each chunk comes from


class Editor:
    """The client's side of the Debug Adapter Protocol."""

    def __init__(self, port: int) -> None:
        self._connection = create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._file = self._connection.makefile("rb")
        self._sent = 0
        self._kept: list[dict[str, Any]] = []

    def send(self, command: str, **arguments: Any) -> int:
        self._sent += 1
        message = {"seq": self._sent, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        return self._sent

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name; what comes before it is kept."""
        return self._next(lambda message: message.get("event") == name)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request; returns the body of its answer."""
        number = self.send(command, **arguments)
        answer = self._next(lambda message: message.get("request_seq") == number)
        assert answer["success"], answer
        body: dict[str, Any] = answer.get("body") or {}
        return body

    def close(self) -> None:
        self._file.close()
        self._connection.close()

    def _next(self, wanted: Any) -> dict[str, Any]:
        found: dict[str, Any] | None = next(filter(wanted, self._kept), None)
        if found is not None:
            self._kept.remove(found)
            return found
        while True:
            length = int(self._file.readline().partition(b":")[2])
            assert self._file.readline() == b"\r\n"
            message: dict[str, Any] = json.loads(self._file.read(length))
            if wanted(message):
                return message
            self._kept.append(message)


@contextmanager
def attached(emulator: EmulatorProcess, line: int, path: Path) -> Iterator[Editor]:
    """An editor that has attached, with a breakpoint at the line."""
    told = re.search(r"a debugger can attach to 127\.0\.0\.1:([0-9]+)", emulator.log())
    assert told, emulator.log()
    editor = Editor(int(told.group(1)))
    try:
        editor.ask("initialize", adapterID="test", pathFormat="path")
        editor.send("attach", justMyCode=False)
        editor.event("initialized")
        editor.ask("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line}])
        editor.ask("configurationDone")
        yield editor
    finally:
        editor.close()


def test_a_stream_stops_at_a_breakpoint_and_goes_on(tmp_path: Path, cache: Path) -> None:
    spec = find_spec("debugpy")
    assert spec is not None
    assert spec.origin is not None
    project = tmp_path / "project"
    (project / "code").mkdir(parents=True)
    (project / "template.yaml").write_text(TEMPLATE)
    (project / "code" / "app.py").write_text(HANDLER)
    (project / "code" / "debugpy").symlink_to(Path(spec.origin).parent)
    template = project / "template.yaml"

    with emulating(tmp_path, cache, "--debug", "stream", template=template, measured=False) as emulator:
        url = emulator.urls["stream"]
        assert request(url).body == b"0\n1\n"  # its process is there from now on
        with attached(emulator, YIELDS, project / "code" / "app.py") as editor:
            connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
            connection.request("GET", "/")
            chunks = []
            for number in range(2):
                thread = editor.event("stopped")["body"]["threadId"]
                frame = editor.ask("stackTrace", threadId=thread, levels=1)["stackFrames"][0]
                assert frame["line"] == YIELDS
                assert editor.ask("evaluate", expression="number", frameId=frame["id"])["result"] == str(number)
                seconds = int(editor.ask("evaluate", expression="left()", frameId=frame["id"])["result"]) / 1000
                assert seconds > 3600  # the template says 1: a human needs more
                editor.ask("continue", threadId=thread)
                if not number:
                    response = connection.getresponse()
                chunks.append(response.read1())
            connection.close()

    assert chunks == [b"0\n", b"1\n"]
