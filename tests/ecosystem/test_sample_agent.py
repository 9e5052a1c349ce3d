"""functions/agent under the emulator as deployed: a server in place of Bedrock, moto in place of DynamoDB."""

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from agent_sample import (
    FOLDER,
    MODEL_ID,
    Calls,
    Sample,
    agent_modules,
    agent_on_bedrock,
    end,
    refused,
    said,
    text,
    tool_use,
)
from lambda_streamify.resume import ENDED, FAILED, STOPPED, DynamoDBStore
from processes import ROOT
from request_events import event
from sample_services import SETTINGS, Context, client, moto_serving
from source_server import aws_event
from source_server import serving as serving_calls
from url_client import Wire, request, wire
from waiting import wait_until

WORDS = ("A lighthouse ", "blinks. 🌟")


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A client of moto, with the template's table."""
    definition = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["AgentRunsTable"]["Properties"]
    del definition["TimeToLiveSpecification"]  # of CloudFormation: the API has a call of its own
    with moto_serving() as address, closing(client("dynamodb", address)) as sdk:
        sdk.create_table(TableName="runs", **definition)
        yield sdk


@pytest.fixture(scope="module")
def serving(dynamodb: Any, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Sample]:
    variables = {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.meta.endpoint_url, "RUNS_TABLE": "runs"}
    with agent_on_bedrock(tmp_path_factory.mktemp("agent"), cache, **variables) as sample:
        yield sample


@pytest.fixture
def sample(serving: Sample) -> Iterator[Sample]:
    yield serving
    assert serving.calls.answers == []


@pytest.fixture
def store(dynamodb: Any) -> DynamoDBStore:
    return DynamoDBStore(dynamodb, "runs")


class Stream:
    """A response that is read event by event."""

    def __init__(self, stream: Wire) -> None:
        self._stream = stream
        self.head = stream.read_until(b"\r\n\r\n").decode()
        self.last_id = ""

    def event(self) -> tuple[str, Any]:
        """Return the next event and its data, as soon as it is there."""
        fields: dict[str, str] = {}
        while "data" not in fields:
            lines = self._stream.read_until(b"\n\n").decode().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if re.match(r"[a-z]+: ", line))
        self.last_id = fields["id"]
        return fields["event"], json.loads(fields["data"])

    def text(self) -> str:
        """Return the text of the next event, which has to have one."""
        name, data = self.event()
        assert name == "text"
        return str(data["text"])

    def close(self) -> None:
        """Hang up, of which the function learns nothing."""
        self._stream.close()


@contextmanager
def asking(sample: Sample, prompt: str = "Why?") -> Iterator[tuple[Stream, str]]:
    """Start a run; gives its stream and its id."""
    body = json.dumps({"messages": [{"role": "user", "content": prompt}]}).encode()
    with wire(sample.url, "/runs", head=f"Content-Length: {len(body)}", body=body) as opened:
        stream = Stream(opened)
        name, data = stream.event()
        assert name == "run"
        yield stream, data["id"]


@contextmanager
def following(sample: Sample, run: str, last_id: str = "") -> Iterator[Stream]:
    head = f"Last-Event-ID: {last_id}" if last_id else ""
    with wire(sample.url, f"/runs/{run}/events", head=head) as opened:
        yield Stream(opened)


def key(run: str) -> str:
    return f"{run}/anonymous"


def state(store: DynamoDBStore, run: str) -> str:
    found = store.find(key(run))
    assert found is not None
    return found.state


# --- answers ---------------------------------------------------------------------------------------------------------


def test_each_word_leaves_while_the_model_holds_the_next_one_back(sample: Sample, store: DynamoDBStore) -> None:
    sample.calls.answers = [said(text(WORDS[0]), text(WORDS[1]), end(tokens=7))]

    with asking(sample) as (stream, run):
        assert "content-type: text/event-stream" in stream.head
        for word in WORDS:
            assert stream.text() == word
            sample.bedrock.release()
        assert stream.event() == (
            "done",
            {"stopReason": "end_turn", "usage": {"inputTokens": 10, "outputTokens": 7, "totalTokens": 17}},
        )

    wait_until(lambda: state(store, run) == ENDED, "the end of the run in the store")
    asked = json.loads(sample.bedrock.requests[-1])
    assert asked["messages"] == [{"role": "user", "content": [{"text": "Why?"}]}]
    assert [tool["toolSpec"]["name"] for tool in asked["toolConfig"]["tools"]] == ["lighthouse", "calculate"]


def test_a_tool_is_called_and_the_model_gets_its_result(sample: Sample) -> None:
    sample.calls.answers = [
        said(text("Let me see. ") + tool_use("calculate", '{"expre', 'ssion": "6 * 7"}') + end("tool_use")),
        said(text("42") + end()),
    ]

    with sample.emulator.logged('"gen_ai.execute_tool.duration"') as lines, asking(sample) as (stream, _):
        events = [stream.event() for _ in range(5)]

    assert events[:4] == [
        ("text", {"text": "Let me see. "}),
        ("tool", {"id": "call-1", "name": "calculate", "input": {"expression": "6 * 7"}}),
        ("result", {"id": "call-1", "output": {"value": 42.0}, "isError": False}),
        ("text", {"text": "42"}),
    ]
    assert events[4][1]["usage"]["outputTokens"] == 10
    result = json.loads(sample.bedrock.requests[-1])["messages"][-1]["content"][0]["toolResult"]
    assert result == {"toolUseId": "call-1", "content": [{"json": {"value": 42.0}}], "status": "success"}
    (record,) = [json.loads(line.partition(" | ")[2]) for line in lines if '"gen_ai.' in line]
    assert (record["type"], record["outcome"]) == ("stream", "complete")
    assert record["gen_ai.client.inference.usage.output_tokens"] == 10
    assert "Let me see" not in json.dumps(record)


def test_an_input_that_is_no_json_is_an_error_of_the_tool(sample: Sample) -> None:
    sample.calls.answers = [said(tool_use("calculate", '{"expre') + end("tool_use")), said(end())]

    with asking(sample) as (stream, _):
        _, (name, data), (ending, _) = [stream.event() for _ in range(3)]

    assert (name, data["isError"], ending) == ("result", True, "done")


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "retry"), [("ThrottlingException", 429, 10_000), ("AccessDeniedException", 403, None)]
)
def test_an_error_is_an_event_which_says_whether_another_try_makes_sense(
    code: str, status: int, retry: int | None, sample: Sample, store: DynamoDBStore
) -> None:
    sample.calls.answers = [refused(code, status)]

    with sample.emulator.logged("account 123456789012"):
        body = request(sample.url, "/runs", method="POST", body=b'{"messages":[{"role":"user","content":"Why?"}]}').body

    assert b"account 123456789012" not in body
    assert b'"error":"%b"' % code.encode() in body
    assert (f"\nretry: {retry}\n".encode() in body) == (retry is not None)
    (run,) = re.findall(rb'event: run\ndata: {"id":"(.*)"}', body)
    wait_until(lambda: state(store, run.decode()) == FAILED, "the end of the run in the store")


def test_an_error_inside_an_answer_comes_after_its_words(sample: Sample) -> None:
    busy = aws_event("throttlingException", {"message": "Too many tokens"}, kind="exception")
    sample.calls.answers = [said(text(WORDS[0]), busy)]

    with asking(sample) as (stream, _):
        assert stream.text() == WORDS[0]
        sample.bedrock.release()
        assert stream.event()[1] == {"error": "ThrottlingException", "message": "The model cannot answer now."}


def test_a_connection_that_breaks_asks_for_another_try(sample: Sample) -> None:
    sample.calls.answers = [said(text("one "), text("two"))._replace(cut=True)]

    with asking(sample) as (stream, _):
        assert stream.text() == "one "
        sample.bedrock.release()
        assert stream.text() == "two"
        assert stream.event() == ("error", {"error": "ConnectionError", "message": "The model cannot answer now."})


@pytest.mark.parametrize("read", [1, 2], ids=["thinking", "talking"])
def test_at_the_deadline_the_run_ends_and_says_so(read: int, tmp_path: Path) -> None:
    calls, context = Calls(), Context()
    calls.answers = [said(text("one "), text("two") + end())]
    with serving_calls(calls) as bedrock:
        variables = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.address, "RUNS_FILE": str(tmp_path / "runs.db")}
        with agent_modules("app", MODEL_ID=MODEL_ID, **SETTINGS, **variables) as (app,), closing(app.model.client):
            events = iter(app.lambda_handler(event("agent"), context).body)
            assert [next(events).splitlines()[1] for _ in range(read)] == [b"event: run", b"event: text"][:read]
            context.seconds = app.model.MAX_SILENCE + 5
            (last,) = events
            if read == 2:
                bedrock.release()

    assert last.endswith(b'event: done\ndata: {"stopReason":"deadline"}\n\n')


def test_keep_alive_records_are_sent_while_the_model_thinks(tmp_path: Path, cache: Path) -> None:
    # The sample itself, but for its fifteen seconds.
    copytree(FOLDER, tmp_path / "code")
    app = tmp_path / "code" / "app.py"
    assert app.read_text().count("every=15") == 1
    app.write_text(app.read_text().replace("every=15", "every=0.02"))
    variables = {"RUNS_TABLE": "", "RUNS_FILE": str(tmp_path / "runs.db")}
    with agent_on_bedrock(tmp_path, cache, code=tmp_path / "code", **variables) as sample:
        sample.calls.answers = [said(text("one "), text("two"), end())]
        body = b'{"messages": [{"role": "user", "content": "Why?"}]}'
        with wire(sample.url, "/runs", head=f"Content-Length: {len(body)}", body=body) as stream:
            stream.read_until(b'{"text":"one "}')
            stream.read_until(b": keep-alive\n\n")
            sample.bedrock.release()
            stream.read_until(b'{"text":"two"}')
            sample.bedrock.release()
            stream.read_until(b"event: done")


# --- coming back, and stopping ---------------------------------------------------------------------------------------


def test_a_client_that_was_cut_off_gets_what_it_missed_and_the_model_is_asked_once(sample: Sample) -> None:
    sample.calls.answers = [said(text("one "), text("two "), text("three"), end())]
    asked = len(sample.bedrock.requests)

    with asking(sample) as (stream, run):
        assert stream.text() == "one "
        stream.close()
        sample.bedrock.release()
        with following(sample, run, stream.last_id) as again:
            assert again.text() == "two "
            sample.bedrock.release()
            assert again.text() == "three"
            sample.bedrock.release()
            assert again.event()[0] == "done"

    assert len(sample.bedrock.requests) == asked + 1


def test_a_stop_ends_the_run_on_the_server(sample: Sample, store: DynamoDBStore) -> None:
    sample.calls.answers = [said(text("one "), text("two "), text("three") + end())]

    with asking(sample) as (stream, run):
        assert stream.text() == "one "
        assert request(sample.url, f"/runs/{run}", method="DELETE").json() == {"stopped": True}
        found = store.find(key(run))
        assert found is not None
        wait_until(lambda: (store.find(key(run)) or found).beats > found.beats, "the writer to learn of it")
        sample.bedrock.release()
        assert stream.text() == "two "  # nothing interrupts the wait for it
        assert stream.event() == ("done", {"stopReason": "stopped"})

    sample.bedrock.release()  # what the server still has, the function no longer reads
    wait_until(lambda: state(store, run) == STOPPED, "the end of the run in the store")
    assert request(sample.url, f"/runs/{run}", method="DELETE").json() == {"stopped": False}


def test_a_run_of_somebody_else_is_not_found(sample: Sample, store: DynamoDBStore) -> None:
    run = "A" * 22
    assert store.begin(f"{run}/arn:aws:iam::123456789012:user/example", "run-1")

    assert request(sample.url, f"/runs/{run}/events").status == 404
    assert request(sample.url, f"/runs/{run}", method="DELETE").json() == {"stopped": False}
