"""The handlers of docs/guides/examples.md, with the real SDK and a service that holds pieces back.

A function has sent a piece while the service has not sent the next one: the test releases that only then.
"""

import io
import json
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import EventStreamError
from botocore.response import StreamingBody

from documents import blocks
from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from source_server import Answer, SourceServer, aws_event, server_sent_event, serving
from url_client import request, wire
from waiting import TIMEOUT_S

BEDROCK, S3, OPENAI, ANTHROPIC, LANGCHAIN, _ = blocks(ROOT / "docs" / "guides" / "examples.md", "py")
EXAMPLES = {"bedrock": BEDROCK, "s3": S3, "openai": OPENAI, "anthropic": ANTHROPIC, "langchain": LANGCHAIN}
WORDS = ("one ", "two ", "three")
BLOCK = 64 * 1024


# --- what the services answer ----------------------------------------------------------------------------------------


def bedrock_pieces() -> list[bytes]:
    first, second, third = (
        aws_event("contentBlockDelta", {"delta": {"text": word}, "contentBlockIndex": 0}) for word in WORDS
    )
    end = aws_event("contentBlockStop", {"contentBlockIndex": 0}) + aws_event("messageStop", {"stopReason": "end_turn"})
    return [aws_event("messageStart", {"role": "assistant"}) + first, second, third, end]


def bedrock_failure() -> list[bytes]:
    throttled = aws_event("throttlingException", {"message": "Too many tokens"}, kind="exception")
    return [*bedrock_pieces()[:1], throttled]


def openai_chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return server_sent_event(chunk)


def openai_pieces() -> list[bytes]:
    first, second, third = (openai_chunk({"content": word}) for word in WORDS)
    end = openai_chunk({}, "stop") + server_sent_event("[DONE]")
    return [openai_chunk({"role": "assistant", "content": ""}) + first, second, third, end]


def anthropic_event(kind: str, **fields: Any) -> bytes:
    return server_sent_event({"type": kind, **fields}, kind)


def anthropic_pieces() -> list[bytes]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": usage}
    start = anthropic_event("message_start", message={**message, "stop_reason": None, "stop_sequence": None})
    start += anthropic_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    first, second, third = (
        anthropic_event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in WORDS
    )
    end = anthropic_event("content_block_stop", index=0)
    end += anthropic_event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)
    return [start + first, second, third, end + anthropic_event("message_stop")]


MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>'
MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
ANSWERS = {
    f"/model/{MODEL}/converse-stream": Answer("application/vnd.amazon.eventstream", bedrock_pieces()),
    "/v1/chat/completions": Answer("text/event-stream", openai_pieces()),
    "/v1/messages": Answer("text/event-stream", anthropic_pieces()),
    "/photos/a%20cat.jpg": Answer("image/jpeg", [b"1" * BLOCK, b"2" * BLOCK, b"3"], length=True),
    "/photos/nil": Answer("application/xml", [MISSING], status=404, length=True),
}


# --- the functions ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    with serving(ANSWERS) as server:
        yield server


@pytest.fixture(scope="module")
def emulator(source: SourceServer, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("examples")
    with emulating(folder, cache, template=write_template(folder, source.address), measured=False) as emulator:
        yield emulator


def write_template(folder: Path, service: str) -> Path:
    """Return a template with one function for each example; their SDKs are those of the tests."""
    for name, code in EXAMPLES.items():
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(code)
        (folder / name / "sdks.pth").write_text(sysconfig.get_path("purelib"))
    variables = {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_ENDPOINT_URL": service,
        "BUCKET": "photos",
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": f"{service}/v1",
        "ANTHROPIC_API_KEY": "any",
        "ANTHROPIC_BASE_URL": service,
    }
    layer = {"ContentUri": str(ROOT / "layers" / "streamify")}
    resources: dict[str, Any] = {
        "StreamifyLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "makefile"},
            "Properties": layer,
        }
    }
    for name in EXAMPLES:
        properties = {
            "FunctionName": name,
            "CodeUri": name,
            "Handler": "app.lambda_handler",
            "Runtime": {"Ref": "PythonRuntime"},
            "Timeout": 120,
            "Layers": [{"Ref": "StreamifyLayer"}],
            "Environment": {"Variables": variables},
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"},
        }
        resources[name.title()] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    path = folder / "template.yaml"
    parameters = {"PythonRuntime": {"Type": "String"}}
    path.write_text(json.dumps({"Parameters": parameters, "Resources": resources}))
    return path


@pytest.mark.parametrize("name", ["bedrock", "anthropic", "langchain"])
def test_text_leaves_while_the_service_holds_the_next_piece_back(
    name: str, emulator: EmulatorProcess, source: SourceServer
) -> None:
    with wire(emulator.urls[name], "/", q="Why?") as stream:
        head = stream.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"content-type: text/plain; charset=utf-8" in head
        for word in WORDS:
            stream.read_until(word.encode())
            source.release()
        stream.read_until(b"\r\n0\r\n\r\n")

    asked = json.loads(source.requests[-1])
    assert "Why?" in json.dumps(asked["messages"])


def test_an_event_leaves_while_openai_holds_the_next_piece_back(
    emulator: EmulatorProcess, source: SourceServer
) -> None:
    with wire(emulator.urls["openai"], "/") as stream:
        assert b"content-type: text/event-stream" in stream.read_until(b"\r\n\r\n")
        for word in WORDS:
            stream.read_until(b'data: {"token":"%b"}\n\n' % word.encode())
            source.release()
        stream.read_until(b"event: done\ndata: {}\n\n\r\n0\r\n\r\n")


def test_a_block_of_an_object_leaves_while_s3_holds_the_next_one_back(
    emulator: EmulatorProcess, source: SourceServer
) -> None:
    with closing(HTTPConnection(urlsplit(emulator.urls["s3"]).netloc, timeout=TIMEOUT_S)) as connection:
        connection.request("GET", "/a%20cat.jpg")
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "image/jpeg")
        for block in (b"1" * BLOCK, b"2" * BLOCK):
            assert response.read(BLOCK) == block
            source.release()
        assert response.read() == b"3"


def test_an_object_that_is_missing_is_not_found(emulator: EmulatorProcess) -> None:
    reply = request(emulator.urls["s3"], "/nil")

    assert (reply.status, reply.body) == (404, b"There is no such object.\n")


# --- what the page says of the SDKs ----------------------------------------------------------------------------------


def test_an_error_within_the_answer_of_bedrock_is_raised_by_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer("application/vnd.amazon.eventstream", bedrock_failure())
    page: dict[str, Any] = {}
    with serving({f"/model/{MODEL}/converse-stream": answer}) as server:
        variables = {"AWS_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
        for name, value in {**variables, "AWS_DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        exec(compile(BEDROCK, "page", "exec"), page)  # noqa: S102
        with closing(page["bedrock"]):
            words = page["lambda_handler"]({}, None)["body"]
            assert next(words) == WORDS[0]
            server.release()
            with pytest.raises(EventStreamError, match=r"\(throttlingException\).*: Too many tokens"):
                next(words)


class Source(io.BytesIO):
    """Notes how many bytes it is asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked: list[int | None] = []

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(size)
        return super().read(size)


@pytest.mark.parametrize("read", [iter, StreamingBody.iter_lines], ids=["loop", "iter_lines"])
def test_botocore_reads_1024_bytes_at_a_time(read: Any) -> None:
    source = Source(b"line\n" * 500)

    list(read(StreamingBody(source, 2500)))

    assert set(source.asked) == {1024}


def test_langchain_goes_on_after_an_error_of_a_callback_unless_it_is_told_not_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import FakeListChatModel

    class Failing(BaseCallbackHandler):
        def on_llm_new_token(self, token: object, **_: Any) -> None:
            raise ValueError(token)

    model, callback = FakeListChatModel(responses=["ab"]), Failing()

    assert "".join(chunk.text for chunk in model.stream("", config={"callbacks": [callback]})) == "ab"
    assert "ValueError" in caplog.text
    callback.raise_error = True
    with pytest.raises(ValueError, match="a"):
        list(model.stream("", config={"callbacks": [callback]}))
