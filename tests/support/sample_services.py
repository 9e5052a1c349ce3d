"""The samples that use AWS: their own functions of template.yaml, with local services in place of AWS's."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from samtranslator.yaml_helper import yaml_parse

from emulator_process import EmulatorProcess, boto3_client, emulating
from lambda_streamify.client import read_stream
from lambda_streamify_emulator.recordings.recording import HEAD
from lambda_streamify_emulator.recordings.recording_file import reading
from processes import ROOT
from request_events import event

# SDKs do not start without credentials; the services here take any.
SETTINGS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


# --- the services ----------------------------------------------------------------------------------------------------


@contextmanager
def moto_serving() -> Iterator[str]:
    """Serve S3, DynamoDB and the rest for the length of the block, all empty; gives the address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(service: str, endpoint: str) -> Any:
    """Return a client of boto3's for one of these services, for the test's own use."""
    from boto3.session import Session

    session: Any = Session("any", "any", region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint)


# --- the functions ---------------------------------------------------------------------------------------------------


@contextmanager
def sample_emulator(
    folder: Path,
    cache: Path,
    *options: str,
    functions: Mapping[str, Mapping[str, str]],
    code: Path | None = None,
    settings: Mapping[str, str] = SETTINGS,
) -> Iterator[EmulatorProcess]:
    """Run these functions of template.yaml, by logical id, in an emulator, each with these variables besides its own.

    Their URLs take requests that nobody has signed: a parameter of the template says so. The code is the sample's,
    unless it is given. Without `settings` they have no credentials.
    """
    template = yaml_parse((ROOT / "template.yaml").read_text())
    resources = template["Resources"]
    others = [id_ for id_, resource in resources.items() if resource["Type"] != "AWS::Serverless::Function"]
    for id_, variables in functions.items():
        properties = resources[id_]["Properties"]
        properties["CodeUri"] = str(code or ROOT / properties["CodeUri"])
        own = properties.setdefault("Environment", {}).setdefault("Variables", {})
        own.update({**settings, **variables})
    template["Resources"] = {id_: resources[id_] for id_ in (*others, *functions)}
    layer = resources["StreamifyLayer"]["Properties"]
    layer["ContentUri"] = str(ROOT / layer["ContentUri"])
    del template["Outputs"]
    path = folder / "template.yaml"
    path.write_text(json.dumps(template))
    with emulating(folder, cache, "--parameter", "AuthType=NONE", *options, template=path, measured=False) as emulator:
        yield emulator


def load_sample(name: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Any:
    """Return the module of a sample, imported into this process with these environment variables."""
    for variable, value in {**SETTINGS, **variables}.items():
        monkeypatch.setenv(variable, value)
    spec = spec_from_file_location(f"sample_{name}", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


class Context:
    """The context of an invocation that has `seconds` left; the test may change that."""

    aws_request_id = "8f6a7b3c-0d52-4a1d-9b0e-0a1b2c3d4e5f"

    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


# --- their recordings ------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """A response, without its times and the borders of its chunks."""

    status: int | None
    headers: dict[str, str]
    body: bytes


def recorded(name: str) -> Answer:
    """Return the response of a sample that is kept in events/."""
    with reading(ROOT / "events" / f"{name}.ndjson") as reader:
        events = list(reader)
        assert not reader.was_cut
    (head,) = (item.data for item in events if item.code == HEAD)
    return Answer(head["status_code"], head["headers"], b"".join(item.chunk or b"" for item in events))


def answered(emulator: EmulatorProcess, name: str) -> Answer:
    """Return what the sample answers now to its event in events/."""
    sdk = boto3_client(emulator.lambda_api)
    try:
        response = sdk.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event(name)))
        stream = read_stream(response)
        return Answer(stream.status_code, dict(stream.headers), stream.read())
    finally:
        sdk.close()
