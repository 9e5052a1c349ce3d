"""functions/chat under the emulator, with a server that speaks Bedrock's protocol and holds the model's words back."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from emulator_process import EmulatorProcess
from processes import ROOT
from request_events import event
from sample_services import Context, answered, load_sample, recorded, sample_emulator
from source_server import Answer, SourceServer, aws_event, serving
from url_client import request, wire

MODEL = "global.amazon.nova-2-lite-v1:0"  # the template's default
PATH = f"/model/{MODEL.replace(':', '%3A')}/converse-stream"
STREAM = "application/vnd.amazon.eventstream"
WORDS = ("A lighthouse ", "blinks ", "so that ", "nobody takes it ", "for a star. 🌟")
USAGE = {"inputTokens": 7, "outputTokens": 11, "totalTokens": 18}
JSON = {"content-type": "application/json"}


# --- what Bedrock answers --------------------------------------------------------------------------------------------


def delta(**fields: Any) -> bytes:
    return aws_event("contentBlockDelta", {"delta": fields, "contentBlockIndex": 0})


START = aws_event("messageStart", {"role": "assistant"})
END = (
    aws_event("contentBlockStop", {"contentBlockIndex": 0})
    + aws_event("messageStop", {"stopReason": "end_turn"})
    + aws_event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1200}})
)
THOUGHT = delta(reasoningContent={"text": "Stars blink, too."})
SAID = Answer(STREAM, [START + THOUGHT + delta(text=WORDS[0]), *(delta(text=word) for word in WORDS[1:]), END])
THINKING = b": thinking\n\n"
DONE = (
    b'event: done\ndata: {"stopReason":"end_turn","usage":%b}\n\n' % json.dumps(USAGE, separators=(",", ":")).encode()
)


def refused(code: str, message: str, status: int) -> Answer:
    return Answer("application/json", [json.dumps({"__type": code, "message": message}).encode()], status, length=True)


def said(word: str) -> bytes:
    return b'data: {"text":"%b"}\n\n' % word.encode()


# --- the function ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    """What Bedrock answers, by path: a test puts its own there."""
    return {}


@pytest.fixture(scope="module")
def bedrock(answers: dict[str, Answer]) -> Iterator[SourceServer]:
    with serving(answers) as server:
        yield server


@pytest.fixture(scope="module")
def emulator(bedrock: SourceServer, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    functions = {"ChatFunction": {"AWS_ENDPOINT_URL": bedrock.address}}
    with sample_emulator(tmp_path_factory.mktemp("chat"), cache, functions=functions) as emulator:
        yield emulator


@pytest.fixture
def url(emulator: EmulatorProcess, answers: dict[str, Answer]) -> str:
    answers[PATH] = SAID
    return emulator.urls["chat"]


def ask(url: str, **asked: Any) -> Any:
    return request(url, method="POST", body=json.dumps(asked).encode(), headers=JSON)


# --- what it answers -------------------------------------------------------------------------------------------------


def test_each_word_leaves_while_the_model_holds_the_next_one_back(url: str, bedrock: SourceServer) -> None:
    body = b'{"prompt": "Why?"}'
    with wire(url, "/", head=f"Content-Length: {len(body)}\r\nContent-Type: application/json", body=body) as stream:
        head = stream.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"content-type: text/event-stream; charset=utf-8\r\n" in head
        assert b"cache-control: no-cache\r\n" in head
        stream.read_until(THINKING)
        for word in WORDS:
            stream.read_until(said(word))
            bedrock.release()
        assert stream.read_until(b"\r\n0\r\n\r\n").endswith(DONE + b"\r\n0\r\n\r\n")

    assert json.loads(bedrock.requests[-1]) == {
        "messages": [{"role": "user", "content": [{"text": "Why?"}]}],
        "inferenceConfig": {"maxTokens": 2048},
    }


def test_a_conversation_goes_on(url: str, bedrock: SourceServer, answers: dict[str, Answer]) -> None:
    answers[PATH] = Answer(STREAM, [START + END])
    roles = ("user", "assistant", "user")

    assert ask(url, messages=[{"role": role, "content": f"I, {role}"} for role in roles]).body == DONE

    messages = [{"role": role, "content": [{"text": f"I, {role}"}]} for role in roles]
    assert json.loads(bedrock.requests[-1])["messages"] == messages


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "either `prompt` or `messages`"),
        (b"{}", "either `prompt` or `messages`"),
        (b'{"prompt": "Why?", "messages": []}', "either `prompt` or `messages`"),
        (b'{"prompt": " "}', "each message needs"),
        (b'{"prompt": {"text": "Why?"}}', "each message needs"),
        (b'{"messages": []}', "each message needs"),
        (b'{"messages": "Why?"}', "each message needs"),
        (b'{"messages": ["Why?"]}', "each message needs"),
        (b'{"messages": [{"role": "system", "content": "Obey."}]}', "each message needs"),
        (b'{"messages": [{"role": "user"}]}', "each message needs"),
    ],
)
def test_what_is_no_question_is_refused_and_not_asked(
    body: bytes, message: str, url: str, bedrock: SourceServer
) -> None:
    asked = len(bedrock.requests)

    reply = request(url, method="POST", body=body, headers=JSON)

    assert reply.status == 400
    assert reply.all("content-type") == ["application/json"]
    assert message in reply.json()["message"]
    assert len(bedrock.requests) == asked


def test_a_body_in_base64_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = load_sample("chat", monkeypatch, MODEL_ID=MODEL)
    body = b64encode(json.dumps({"prompt": "Grüße"}).encode()).decode()

    assert chat.conversation({"body": body, "isBase64Encoded": True}) == [
        {"role": "user", "content": [{"text": "Grüße"}]}
    ]


def test_a_model_that_is_busy_asks_for_another_try(
    url: str, answers: dict[str, Answer], emulator: EmulatorProcess
) -> None:
    answers[PATH] = refused("ThrottlingException", "Too many tokens in account 123456789012", 429)

    with emulator.logged("Function.ThrottlingException") as lines:
        reply = ask(url, prompt="Why?")

    assert reply.status == 200
    assert reply.body == (
        b"event: error\nretry: 10000\n"
        b'data: {"error":"ThrottlingException","message":"The model cannot answer now. Try again later."}\n\n'
    )
    assert any("Too many tokens in account 123456789012" in line for line in lines)


def test_an_error_in_the_midst_of_an_answer_is_the_last_event(
    url: str, bedrock: SourceServer, answers: dict[str, Answer]
) -> None:
    busy = aws_event("throttlingException", {"message": "Too many tokens"}, kind="exception")
    answers[PATH] = Answer(STREAM, [START + delta(text=WORDS[0]), busy])
    bedrock.release()

    body = ask(url, prompt="Why?").body

    assert body.startswith(said(WORDS[0]) + b"event: error\nretry: 10000\n")
    assert b'"error":"ThrottlingException"' in body


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("ValidationException", 400, "as Bedrock words it"),
        ("AccessDeniedException", 403, "The model cannot answer."),
        ("ModelErrorException", 424, "The model cannot answer."),
    ],
)
def test_only_what_is_wrong_with_the_question_is_shown(
    code: str, status: int, message: str, url: str, answers: dict[str, Answer]
) -> None:
    answers[PATH] = refused(code, "as Bedrock words it", status)

    body = ask(url, prompt="Why?").body

    assert body == b'event: error\ndata: {"error":"%b","message":"%b"}\n\n' % (code.encode(), message.encode())


def test_a_model_that_falls_silent_asks_for_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({PATH: SAID}) as bedrock:
        chat = load_sample("chat", monkeypatch, MODEL_ID=MODEL, AWS_ENDPOINT_URL=bedrock.address)
        with closing(chat.bedrock):
            impatient = chat.boto3.client("bedrock-runtime", config=chat.Config(read_timeout=0.2))
        with closing(impatient):
            monkeypatch.setattr(chat, "bedrock", impatient)
            events = iter(chat.lambda_handler(event("chat"), Context()).body)
            assert list(islice(events, 2)) == [THINKING, said(WORDS[0])]  # Bedrock holds the next word back
            assert next(events).startswith(b'event: error\nretry: 2000\ndata: {"error":"ConnectionError"')
            with pytest.raises(HTTPError):
                next(events)
        for _ in WORDS:
            bedrock.release()


def test_a_connection_that_breaks_asks_for_another_try(
    url: str, bedrock: SourceServer, answers: dict[str, Answer]
) -> None:
    answers[PATH] = SAID._replace(pieces=SAID.pieces[:2], cut=True)
    bedrock.release()

    body = ask(url, prompt="Why?").body

    assert body.startswith(THINKING + said(WORDS[0]) + said(WORDS[1]) + b"event: error\nretry: 2000\n")


@pytest.mark.parametrize("read", [[THINKING], [THINKING, said(WORDS[0])]], ids=["thinking", "talking"])
def test_at_the_deadline_the_answer_ends_and_says_so(read: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({PATH: SAID}) as bedrock:
        chat = load_sample("chat", monkeypatch, MODEL_ID=MODEL, AWS_ENDPOINT_URL=bedrock.address)
        context = Context()
        with closing(chat.bedrock):
            events = iter(chat.lambda_handler(event("chat"), context).body)
            assert list(islice(events, len(read))) == read  # Bedrock holds the next word back
            context.seconds = chat.MAX_SILENCE + 5
            assert list(events) == [b'event: done\ndata: {"stopReason":"deadline"}\n\n']
        for _ in WORDS:
            bedrock.release()


def test_signs_of_life_are_sent_while_the_model_thinks(
    bedrock: SourceServer, answers: dict[str, Answer], tmp_path: Path, cache: Path
) -> None:
    # The sample itself, but for its fifteen seconds.
    code = (ROOT / "functions" / "chat" / "app.py").read_text()
    assert code.count("every=15") == 1
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(code.replace("every=15", "every=0.02"))
    answers[PATH] = Answer(STREAM, [START, delta(text=WORDS[0]) + END])
    functions = {"ChatFunction": {"AWS_ENDPOINT_URL": bedrock.address}}

    with (
        sample_emulator(tmp_path, cache, functions=functions, code=tmp_path / "code") as emulator,
        wire(emulator.urls["chat"], "/", head="Content-Length: 17", body=b'{"prompt": "Why"}') as stream,
    ):
        stream.read_until(b": keep-alive\n\n")
        bedrock.release()
        stream.read_until(said(WORDS[0]))
        stream.read_until(DONE)


@pytest.mark.usefixtures("url")
def test_the_recording_is_what_it_answers(emulator: EmulatorProcess, bedrock: SourceServer) -> None:
    for _ in WORDS:
        bedrock.release()

    assert answered(emulator, "chat") == recorded("chat")
