"""The sample `websocket` and the guide's handler, with clients of other projects: websockets, and a browser."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from chromium import browsing, find_chromium
from documents import blocks
from emulator_process import RUNTIME, EmulatorProcess, emulating
from processes import ROOT
from waiting import TIMEOUT_S

CHROMIUM = find_chromium()
SAMPLE = ROOT / "functions" / "websocket" / "template.yaml"
STORY = "Once upon a time a message found its way back, word by word, before the whole story was known."
(HANDLER,) = blocks(ROOT / "docs" / "guides" / "websocket.md", "py")
TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Guide:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: guide, Runtime: {RUNTIME}, Handler: app.lambda_handler, CodeUri: ., Timeout: 29}}
  GuideApi:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $default: {{FunctionArn: !GetAtt Guide.Arn}}
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("sample"), cache, template=SAMPLE, measured=False) as emulator:
        yield emulator


@pytest.fixture
def url(sample: EmulatorProcess) -> str:
    return sample.apis["WebsocketApi"]


def opened(url: str) -> ClientConnection:
    client: ClientConnection = connect(url, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S)
    return client


def receive(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=TIMEOUT_S))


def test_each_question_gets_the_whole_story_under_its_id(url: str) -> None:
    with opened(url) as client:
        client.send('{"id": 1}')
        client.send('{"id": 2}')
        told = {1: "", 2: ""}
        running = {1, 2}
        while running:
            message = receive(client)
            if message.get("done"):
                running.remove(message["id"])
            else:
                told[message["id"]] += message["token"]

    assert told == {1: STORY, 2: STORY}


@pytest.mark.parametrize("text", ["hello", "[]"])
def test_a_message_that_is_no_object_is_explained(url: str, text: str) -> None:
    with opened(url) as client:
        client.send(text)

        assert receive(client) == {"error": 'send JSON such as {"action": "ask", "id": 1}'}


def test_a_client_that_leaves_ends_the_story(url: str, sample: EmulatorProcess) -> None:
    with sample.logged("is gone"), opened(url) as client:
        client.send('{"id": 1}')
        assert receive(client) == {"id": 1, "token": "Once"}


def test_the_handler_of_the_guide_sends_its_tokens(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    options: dict[str, Any] = {"template": template, "parameters": (), "measured": False}
    with emulating(scratch, cache, **options) as emulator, opened(emulator.apis["GuideApi"]) as client:
        client.send("hello")
        assert [receive(client), receive(client)] == [{"token": "one"}, {"token": "two"}]


def test_over_tls_the_function_trusts_the_emulators_certificate(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("trustme", reason="streamify serve --tls needs the extra [tls]")
    with emulating(tmp_path, cache, "--tls", template=SAMPLE, measured=False) as emulator:
        url = emulator.apis["WebsocketApi"]
        assert url.startswith("wss://")
        with connect(url, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S, ssl=trusting(emulator)) as client:
            client.send('{"id": 1}')
            assert receive(client) == {"id": 1, "token": "Once"}


def trusting(emulator: EmulatorProcess) -> ssl.SSLContext:
    """Return a context of TLS that trusts the emulator's CA alone."""
    (certificate,) = emulator.scratch.glob("streamify-*/ca.pem")
    return ssl.create_default_context(cafile=str(certificate))


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")
def test_a_page_in_a_browser_gets_the_tokens_in_their_order(url: str, tmp_path: Path) -> None:
    with browsing(CHROMIUM or "", tmp_path) as page:
        told = page.evaluate(
            f"""new Promise((resolve, reject) => {{
                const socket = new WebSocket({json.dumps(url)}), tokens = [];
                socket.onopen = () => socket.send('{{"id": 1}}');
                socket.onerror = () => reject(new Error("no connection"));
                socket.onmessage = ({{data}}) => {{
                    const message = JSON.parse(data);
                    if (message.done) resolve(tokens); else tokens.push(message.token);
                }};
            }})"""
        )

    assert "".join(told) == STORY
    assert len(told) == len(STORY.split(" "))
