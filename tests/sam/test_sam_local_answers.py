"""What the layer answers with under the real `sam local`: whole responses, since AWS's emulator inside cannot stream.

The functions are those of tests/data/sam_local; the samples have tests of their own.
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_process import RUNTIME, boto3_client
from processes import ROOT, run
from sam_local import SamLocal, Server
from url_client import Reply, request
from waiting import wait_until

TEMPLATE = ROOT / "tests" / "data" / "sam_local" / "template.yaml"
# The two kinds of API Gateway, as the functions' template names them. A REST API gets the older kind of event.
APIS = ("http", "rest")


@pytest.fixture(scope="module")
def built(sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    options = ("--no-cached", "--build-dir", folder, "--parameter-overrides", f"PythonRuntime={RUNTIME}")
    run("sam", "build", "--template", TEMPLATE, *options, env=sam_environment)
    return folder / "template.yaml"


@pytest.fixture(scope="module")
def api(sam_local: SamLocal, built: Path) -> Iterator[Server]:
    with sam_local.serving("start-api", built) as api:
        yield api


@pytest.fixture(scope="module")
def sdk(sam_local: SamLocal, built: Path) -> Iterator[Any]:
    with sam_local.serving("start-lambda", built) as server, closing(boto3_client(server.url)) as client:
        yield client


def invoke(sdk: Any, case: str) -> bytes:
    payload: bytes = sdk.invoke(FunctionName="cases", Payload=json.dumps({"case": case}))["Payload"].read()
    return payload


def seen(reply: Reply) -> tuple[int, list[str], list[str], bytes]:
    return reply.status, reply.all("content-type"), reply.all("x-kind"), reply.body


def new_log(api: Server, before: int) -> str:
    """Wait for the end of an invocation, and return what the log says after its first `before` bytes."""
    wait_until(lambda: b"REPORT" in api.log.read_bytes()[before:], "the invocation's log")
    return api.log.read_bytes()[before:].decode()


TEXT = ["text/plain; charset=utf-8"]


# --- behind an API --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", APIS)
@pytest.mark.parametrize(
    ("case", "body"),
    [
        ("generator", "one, two, žluťoučký 東京".encode()),
        ("async_generator", b"one, two"),
        ("streaming", b"one, two"),
        ("written", b"one, two"),
    ],
)
def test_a_stream_comes_whole_with_its_status_and_headers(api: Server, kind: str, case: str, body: bytes) -> None:
    assert seen(request(api.url, f"/{kind}/{case}")) == (201, TEXT, ["brief"], body)


@pytest.mark.parametrize("kind", APIS)
def test_a_bare_generator_is_text(api: Server, kind: str) -> None:
    assert seen(request(api.url, f"/{kind}/bare")) == (200, TEXT, [], b"one, two")


@pytest.mark.parametrize("kind", APIS)
def test_cookies_are_set_one_by_one(api: Server, kind: str) -> None:
    assert request(api.url, f"/{kind}/cookies").all("set-cookie") == ["a=1; Path=/", "b=2"]


# sam local decodes it for a REST API only if the API names its binary media types, as API Gateway does.
@pytest.mark.parametrize(("kind", "body"), [("http", b"\x00\xff\xfe"), ("rest", b"AP/+")])
def test_a_stream_that_is_not_text_passes_in_base64(api: Server, kind: str, body: bytes) -> None:
    assert seen(request(api.url, f"/{kind}/binary")) == (201, ["application/octet-stream"], ["brief"], body)


@pytest.mark.parametrize("kind", APIS)
def test_a_response_that_is_no_stream_is_left_to_the_api(api: Server, kind: str) -> None:
    assert seen(request(api.url, f"/{kind}/plain")) == (201, ["application/json"], ["brief"], b"short")


def test_one_process_answers_one_call_after_the_other(api: Server) -> None:
    first, second = (request(api.url, "/http/process").json() for _ in range(2))

    assert first == second


# --- direct callers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "payload"), [("bare", b"one, two"), ("generator", "one, two, žluťoučký 東京".encode())]
)
def test_a_direct_caller_gets_the_chunks_of_a_stream_joined(sdk: Any, case: str, payload: bytes) -> None:
    assert invoke(sdk, case) == payload


def test_a_direct_caller_gets_a_plain_value_as_json(sdk: Any) -> None:
    assert json.loads(invoke(sdk, "value")) == {"answer": 42}


def test_a_direct_caller_of_a_stream_that_is_not_text_gets_an_error_of_sam_s(sdk: Any) -> None:
    with pytest.raises(ClientError, match="ServiceException"):
        invoke(sdk, "binary")


def test_start_lambda_cannot_stream(sdk: Any) -> None:
    with pytest.raises(ClientError, match="PathNotFoundLocally"):
        sdk.invoke_with_response_stream(FunctionName="cases")


def test_the_layers_runtime_runs_with_the_layers_package(sdk: Any) -> None:
    surroundings = json.loads(invoke(sdk, "surroundings"))

    assert surroundings["main"] == "/opt/streamify-main.py"
    assert surroundings["package"] == "/opt/python/lambda_streamify/__init__.py"
    assert surroundings["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert surroundings["AWS_SAM_LOCAL"] == "true"
    assert surroundings["NOTE"] == "of the template"


# --- errors ---------------------------------------------------------------------------------------------------------

ERRORS = [
    ("fails", "ValueError", "no answer"),
    ("fails_first", "ValueError", "no first chunk"),
    ("fails_later", "LookupError", "no second chunk"),
    ("status_600", "ResponseError", "the status code is 600; it must be a number from 100 to 599"),
    (
        "header_injection",
        "ResponseError",
        "the value of header x-kind holds a line break or NUL, which would end the header",
    ),
]


@pytest.mark.parametrize(("case", "kind", "message"), ERRORS)
def test_an_error_at_any_time_is_an_error_to_an_api_and_stands_in_the_log(
    api: Server, case: str, kind: str, message: str
) -> None:
    before = api.log.stat().st_size

    reply = request(api.url, f"/rest/{case}")

    assert (reply.status, reply.json()) == (502, {"message": "Internal server error"})
    log = new_log(api, before)
    assert len(re.findall(rf"^\[ERROR\] {kind}: {re.escape(message)}$", log, re.MULTILINE)) == 1
    assert log.count("Traceback (most recent call last):") == 1


@pytest.mark.parametrize(("case", "kind", "message"), ERRORS[:3])
def test_a_direct_caller_gets_the_error_itself(sdk: Any, case: str, kind: str, message: str) -> None:
    error = json.loads(invoke(sdk, case))

    assert (error["errorType"], error["errorMessage"]) == (kind, message)
    assert any(f"in {case}" in frame for frame in error["stackTrace"])


def test_after_an_error_the_same_process_answers(api: Server) -> None:
    before = request(api.url, "/http/process").json()
    for case, _, _ in ERRORS:
        request(api.url, f"/rest/{case}")

    assert request(api.url, "/http/process").json() == before


def test_what_is_logged_stands_beside_the_response(api: Server) -> None:
    before = api.log.stat().st_size

    assert seen(request(api.url, "/rest/logs")) == (201, ["application/json"], ["brief"], b"short")
    # From a running server: `sam local invoke` waits one second for the log, and then drops what has not come.
    log = new_log(api, before)
    request_id = re.search(r"START RequestId: (\S+)", log)
    assert request_id is not None
    assert re.search(rf"^\[WARNING\]\t\S+Z\t{request_id[1]}\tlogged$", log, re.MULTILINE)


# --- one by one -----------------------------------------------------------------------------------------------------


def test_a_file_of_variables_changes_what_the_template_sets(sam_local: SamLocal, built: Path, tmp_path: Path) -> None:
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"CasesFunction": {"NOTE": "of the file"}}))

    invoked = sam_local.invoke(built, "CasesFunction", {"case": "surroundings"}, "--env-vars", variables)

    assert invoked.json()["NOTE"] == "of the file"
    assert invoked.json()["main"] == "/opt/streamify-main.py"


@pytest.mark.parametrize("variables", [{"AWS_LAMBDA_EXEC_WRAPPER": ""}, {"STREAMIFY_DISABLE": "1"}], ids=list)
def test_without_the_wrapper_or_disabled_awss_runtime_runs(
    variables: dict[str, str], sam_local: SamLocal, built: Path, tmp_path: Path
) -> None:
    file = tmp_path / "variables.json"
    file.write_text(json.dumps({"CasesFunction": variables}))

    invoked = sam_local.invoke(built, "CasesFunction", {"case": "generator"}, "--env-vars", file)

    assert invoked.json()["errorType"] == "Runtime.MarshalError"
