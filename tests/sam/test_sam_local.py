"""Each sample under the real `sam local`: it answers what it has streamed when it was recorded, in one piece.

Those that use AWS find a service of the test's in its place, at the address that this machine has for containers.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from docker import DockerClient
from moto.server import ThreadedMotoServer
from samtranslator.yaml_helper import yaml_parse

from emulator_process import RUNTIME, boto3_client
from lambda_image import have_image
from processes import ROOT
from request_events import event
from sam_local import Invoked, SamLocal, Server
from sample_services import client, recorded
from sandbox import other_python
from source_server import Answer, aws_event, serving
from url_client import request

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
FUNCTIONS = {
    resource["Properties"]["FunctionName"]: name
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}

# --- in place of AWS -------------------------------------------------------------------------------------------------

FILE = b"\x00\xff no text"
ITEMS = [{"pk": {"S": "a"}, "sk": {"S": str(number)}} for number in range(2)]
SAID = Answer(
    "application/vnd.amazon.eventstream",
    [
        aws_event("messageStart", {"role": "assistant"})
        + aws_event("contentBlockDelta", {"delta": {"text": "To be seen."}, "contentBlockIndex": 0})
        + aws_event("messageStop", {"stopReason": "end_turn"})
    ],
)


class Expected(NamedTuple):
    """A response; the content type also stands in the headers of a recording."""

    status: int | None
    content_type: str
    body: bytes


ON_SERVICES = {
    "agent": Expected(
        200,
        "text/event-stream; charset=utf-8",
        b'id: -1\nevent: run\ndata: {"id":""}\n\n'
        b'id: -2\nevent: text\ndata: {"text":"To be seen."}\n\n'
        b'id: -3\nevent: done\ndata: {"stopReason":"end_turn","usage":{}}\n\n',
    ),
    "chat": Expected(
        200,
        "text/event-stream; charset=utf-8",
        b'data: {"text":"To be seen."}\n\nevent: done\ndata: {"stopReason":"end_turn"}\n\n',
    ),
    "download": Expected(200, "text/csv", FILE),
    "export": Expected(
        200,
        "application/x-ndjson",
        b'{"item":{"pk":"a","sk":"0"}}\n{"item":{"pk":"a","sk":"1"}}\n{"end":true}\n',
    ),
}


def without_run(body: bytes) -> bytes:
    """Return the body without the ids of an agent's run, which are new each time."""
    return re.sub(rb'(?<=^id: )[0-9a-f]{12}(?=-)|(?<=^data: {"id":")[\w-]{22}(?="}$)', b"", body, flags=re.MULTILINE)


def expected(name: str) -> Expected:
    """Return what a sample answers to its event in events/."""
    if name in ON_SERVICES:
        return ON_SERVICES[name]
    answer = recorded(name)
    (content_type,) = (value for header, value in answer.headers.items() if header.lower() == "content-type")
    return Expected(answer.status, content_type, answer.body)


@pytest.fixture(scope="module")
def gateway(docker_client: DockerClient) -> str:
    """The address of this machine that containers reach."""
    (network,) = docker_client.networks.get("bridge").attrs["IPAM"]["Config"]
    return str(network["Gateway"])


@pytest.fixture(scope="module")
def variables(gateway: str) -> Iterator[dict[str, dict[str, str]]]:
    """What the samples that use AWS find their services by."""
    model = TEMPLATE["Parameters"]["ModelId"]["Default"]
    path = f"/model/{model.replace(':', '%3A')}/converse-stream"
    moto = ThreadedMotoServer(ip_address=gateway, port=0, verbose=False)
    with ExitStack() as stack:
        bedrock = stack.enter_context(serving({path: SAID}, gateway))
        moto.start()
        stack.callback(moto.stop)
        aws = "http://{}:{}".format(*moto.get_host_and_port())
        s3 = stack.enter_context(closing(client("s3", aws)))
        s3.create_bucket(Bucket="files")
        key = unquote(event("download")["rawPath"]).removeprefix("/")
        s3.put_object(Bucket="files", Key=key, Body=FILE, ContentType="text/csv")
        dynamodb = stack.enter_context(closing(client("dynamodb", aws)))
        dynamodb.create_table(TableName="items", **TEMPLATE["Resources"]["ExportTable"]["Properties"])
        runs = dict(TEMPLATE["Resources"]["AgentRunsTable"]["Properties"])
        del runs["TimeToLiveSpecification"]  # of CloudFormation: the API has a call of its own
        dynamodb.create_table(TableName="runs", **runs)
        for item in ITEMS:
            dynamodb.put_item(TableName="items", Item=item)
        yield {
            "ChatFunction": {"AWS_ENDPOINT_URL": bedrock.address},
            "AgentFunction": {
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.address,
                "AWS_ENDPOINT_URL_DYNAMODB": aws,
                "RUNS_TABLE": "runs",
            },
            "DownloadFunction": {"AWS_ENDPOINT_URL": aws, "BUCKET": "files"},
            "ExportFunction": {"AWS_ENDPOINT_URL": aws, "TABLE": "items"},
        }


# --- what sam local serves -------------------------------------------------------------------------------------------


def route(name: str) -> tuple[str, str]:
    """Return the method and the path under which a sample is reached through an API, which is one for all of them."""
    told = event(name)
    return told["requestContext"]["http"]["method"], told["rawPath"] if told["rawPath"] != "/" else f"/{name}"


@pytest.fixture(scope="module")
def template(build: Path, variables: Mapping[str, Mapping[str, str]]) -> Path:
    """The built template, with a route of an API for each function: sam local serves no function URLs."""
    built = yaml_parse((build / "template.yaml").read_text())
    for name, id_ in FUNCTIONS.items():
        properties = built["Resources"][id_]["Properties"]
        method, path = route(name)
        routes = {"Http": {"Type": "HttpApi", "Properties": {"Method": method, "Path": unquote(path)}}}
        properties.setdefault("Events", routes)  # the story has a REST API of its own, at the same path
        properties.setdefault("Environment", {}).setdefault("Variables", {}).update(variables.get(id_, {}))
    file = build / "with-routes.json"
    file.write_text(json.dumps(built))
    return file


@pytest.fixture(scope="module")
def api(sam_local: SamLocal, template: Path) -> Iterator[Server]:
    with sam_local.serving("start-api", template) as api:
        yield api


@pytest.fixture(scope="module")
def sdk(sam_local: SamLocal, template: Path) -> Iterator[Any]:
    with sam_local.serving("start-lambda", template) as server, closing(boto3_client(server.url)) as client:
        yield client


def unpacked(answer: Any) -> Expected:
    """Return the response that an API would make of what a function answers it."""
    body = b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
    (content_type,) = (value for name, value in answer["headers"].items() if name.lower() == "content-type")
    return Expected(answer["statusCode"], content_type, without_run(body))


@pytest.fixture(scope="module")
def invoked(sam_local: SamLocal, template: Path) -> Iterator[dict[str, Future[Invoked]]]:
    """What `sam local invoke` prints for each sample. They run side by side: most of the time they wait for Docker."""
    with ThreadPoolExecutor(3) as pool:
        calls = {name: pool.submit(sam_local.invoke, template, id_, event(name)) for name, id_ in FUNCTIONS.items()}
        yield calls


@pytest.mark.parametrize("name", FUNCTIONS)
def test_invoke_prints_the_whole_response(name: str, invoked: Mapping[str, Future[Invoked]]) -> None:
    assert unpacked(invoked[name].result().json()) == expected(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_start_lambda_gives_an_sdk_the_whole_response(name: str, sdk: Any) -> None:
    answer = sdk.invoke(FunctionName=FUNCTIONS[name], Payload=json.dumps(event(name)))

    assert unpacked(json.load(answer["Payload"])) == expected(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_start_api_serves_the_whole_response(name: str, api: Server) -> None:
    told = event(name)
    method, path = route(name)
    body = told["body"].encode() if told.get("body") else None
    headers = {header: value for header, value in told["headers"].items() if header in {"accept", "content-type"}}

    reply = request(f"{api.url}", f"{path}?{told['rawQueryString']}", method=method, body=body, headers=headers)

    assert (reply.status, *reply.all("content-type"), without_run(reply.body)) == expected(name)


# --- under the other Pythons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [version for version in ("3.10", "3.11", "3.12", "3.13") if version not in RUNTIME])
def test_the_layer_runs_on_each_runtime(
    version: str, sam_local: SamLocal, docker_client: DockerClient, cache: Path, build: Path
) -> None:
    python, packages = other_python(cache, version)
    have_image(docker_client, version, python, packages)

    invoked = sam_local.invoke(build / "template.yaml", "HelloFunction", event("hello"), runtime=f"python{version}")

    assert unpacked(invoked.json()) == expected("hello")
