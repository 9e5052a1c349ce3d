"""functions/agent: its modules in this process, and a server in place of Bedrock that its model calls one by one."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from samtranslator.yaml_helper import yaml_parse

from emulator_process import EmulatorProcess
from own_hooks import without_hooks
from processes import ROOT
from sample_services import SETTINGS, sample_emulator
from source_server import Answer, SourceServer, aws_event, serving

FOLDER = ROOT / "functions" / "agent"
MODEL_ID = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["ModelId"]["Default"]
PATH = f"/model/{MODEL_ID.replace(':', '%3A')}/converse-stream"
STREAM = "application/vnd.amazon.eventstream"

# --- what Bedrock answers --------------------------------------------------------------------------------------------

START = aws_event("messageStart", {"role": "assistant"})


def text(words: str) -> bytes:
    """A piece of an answer."""
    return aws_event("contentBlockDelta", {"delta": {"text": words}, "contentBlockIndex": 0})


def tool_use(name: str, *pieces: str, id_: str = "call-1") -> bytes:
    """A call of a tool, whose input is these pieces of JSON."""
    start = {"start": {"toolUse": {"toolUseId": id_, "name": name}}, "contentBlockIndex": 1}
    deltas = [{"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": 1} for piece in pieces]
    return (
        aws_event("contentBlockStart", start)
        + b"".join(aws_event("contentBlockDelta", delta) for delta in deltas)
        + aws_event("contentBlockStop", {"contentBlockIndex": 1})
    )


def end(stop_reason: str = "end_turn", tokens: int = 5) -> bytes:
    """The end of an answer."""
    usage = {"inputTokens": 10, "outputTokens": tokens, "totalTokens": 10 + tokens}
    return aws_event("messageStop", {"stopReason": stop_reason}) + aws_event("metadata", {"usage": usage})


def said(*pieces: bytes) -> Answer:
    """An answer that begins at once; each further piece waits for a release."""
    first, *rest = pieces
    return Answer(STREAM, [START + first, *rest])


def refused(code: str, status: int) -> Answer:
    """An answer that is an error."""
    body = json.dumps({"__type": code, "message": "account 123456789012"}).encode()
    return Answer("application/json", [body], status, length=True)


class Calls(dict[str, Answer]):
    """What the model answers: `answers` has one for each call that is to come."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    def __getitem__(self, path: str) -> Answer:
        assert path == PATH
        return self.answers.pop(0)


class Sample(NamedTuple):
    """The sample in an emulator. `calls` are what its model answers, `bedrock` holds the pieces of that back."""

    emulator: EmulatorProcess
    bedrock: SourceServer
    calls: Calls
    url: str


@contextmanager
def agent_on_bedrock(
    folder: Path, cache: Path, *options: str, code: Path | None = None, **variables: str
) -> Iterator[Sample]:
    """Run the sample as deployed, with a server in place of Bedrock, and these variables besides."""
    calls = Calls()
    with serving(calls) as bedrock:
        own = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.address, **variables}
        functions = {"AgentFunction": own}
        with sample_emulator(folder, cache, *options, functions=functions, code=code) as emulator:
            yield Sample(emulator, bedrock, calls, emulator.urls["agent"])


# --- its modules -----------------------------------------------------------------------------------------------------


@contextmanager
def agent_modules(*names: str, **variables: str) -> Iterator[Any]:
    """Import modules of the sample into this process, with these variables; gives them in order."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        without_hooks(monkeypatch)
        monkeypatch.syspath_prepend(FOLDER)
        own = {path.stem for path in FOLDER.glob("*.py")} | {"models"}
        for name in [name for name in sys.modules if name.partition(".")[0] in own]:
            monkeypatch.delitem(sys.modules, name)
        try:
            yield tuple(import_module(name) for name in names)
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] in own]:
                del sys.modules[name]
