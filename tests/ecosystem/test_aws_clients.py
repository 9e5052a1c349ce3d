"""What AWS's own clients get from the emulator, unmodified: the AWS CLI as a process, boto3, and curl's signatures."""

import json
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from emulator_process import TEMPLATE, EmulatorProcess, boto3_client, emulating, environment, streamify
from lambda_streamify_emulator.template.reader import load_template
from lambda_streamify_emulator.testing.client import Exchange
from waiting import TIMEOUT_S

AWS = Path(sys.executable).with_name("aws")
CURL = shutil.which("curl")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:cases"
VALUE = '{"case": "value", "value": "42"}'


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("emulator"), cache) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def sdk(emulator: EmulatorProcess) -> Iterator[Any]:
    with closing(boto3_client(emulator.lambda_api)) as client:
        yield client


def aws(emulator: EmulatorProcess, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Return what became of `aws lambda` with these arguments, told of the emulator by the environment alone."""
    variables = {
        "AWS_ENDPOINT_URL_LAMBDA": emulator.lambda_api,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    command = [AWS, "lambda", *arguments]
    return subprocess.run(
        command, env=environment(None, **variables), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def answered(emulator: EmulatorProcess, *arguments: str | Path) -> Any:
    done = aws(emulator, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


# --- the AWS CLI -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [("cases",), ("cases", "--qualifier", "live"), (ARN,), ("123456789012:function:cases",)]
)
def test_the_cli_invokes_a_function(emulator: EmulatorProcess, tmp_path: Path, name: tuple[str, ...]) -> None:
    found = answered(emulator, "invoke", "--function-name", *name, "--payload", VALUE, tmp_path / "out")

    assert found == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert (tmp_path / "out").read_text() == "42"


def test_the_cli_gets_the_end_of_the_log(emulator: EmulatorProcess, tmp_path: Path) -> None:
    arguments = ("--function-name", "cases", "--payload", VALUE, "--log-type", "Tail", tmp_path / "out")

    log = b64decode(answered(emulator, "invoke", *arguments)["LogResult"]).decode()

    assert [line.split()[0] for line in log.splitlines()] == ["START", "END", "REPORT"]


def test_the_cli_is_told_of_a_function_that_fails(emulator: EmulatorProcess, tmp_path: Path) -> None:
    arguments = ("--function-name", "cases", "--payload", '{"case": "raises"}', tmp_path / "out")

    assert answered(emulator, "invoke", *arguments)["FunctionError"] == "Unhandled"
    assert json.loads((tmp_path / "out").read_text())["errorType"] == "ValueError"


@pytest.mark.parametrize(("kind", "status"), [("Event", 202), ("DryRun", 204)])
def test_the_cli_may_wait_for_nothing(emulator: EmulatorProcess, tmp_path: Path, kind: str, status: int) -> None:
    arguments = ("--function-name", "cases", "--payload", VALUE, "--invocation-type", kind, tmp_path / "out")

    assert answered(emulator, "invoke", *arguments)["StatusCode"] == status
    assert (tmp_path / "out").read_bytes() == b""


def test_the_cli_lists_functions_page_by_page(emulator: EmulatorProcess) -> None:
    names = [function.name for function in load_template(TEMPLATE).functions]

    for size in ((), ("--page-size", "3")):
        found = answered(emulator, "list-functions", *size)["Functions"]
        assert [function["FunctionName"] for function in found] == names
    first = answered(emulator, "list-functions", "--max-items", "2")
    rest = answered(emulator, "list-functions", "--starting-token", first["NextToken"])["Functions"]
    assert [function["FunctionName"] for function in (*first["Functions"], *rest)] == names


def test_the_cli_looks_at_a_function_and_its_url(emulator: EmulatorProcess) -> None:
    name = ("--function-name", "signed")
    found = answered(emulator, "get-function", *name)["Configuration"]

    assert found == answered(emulator, "get-function-configuration", *name)
    assert (found["FunctionName"], found["Timeout"], found["State"]) == ("signed", 60, "Active")
    url = answered(emulator, "get-function-url-config", *name)
    assert (url["FunctionUrl"], url["AuthType"]) == (emulator.urls["signed"], "AWS_IAM")
    assert url["InvokeMode"] == "RESPONSE_STREAM"


def test_the_cli_does_not_wait_for_a_function_that_is_ready(emulator: EmulatorProcess) -> None:
    assert aws(emulator, "wait", "function-active-v2", "--function-name", "cases").returncode == 0


def test_the_cli_passes_errors_on(emulator: EmulatorProcess, tmp_path: Path) -> None:
    done = aws(emulator, "invoke", "--function-name", "absent", tmp_path / "out")

    assert done.returncode == 255  # 254 in version 2
    assert "(ResourceNotFoundException) when calling the Invoke operation: Function not found: arn:" in done.stderr


def test_the_cli_has_no_command_for_streams(emulator: EmulatorProcess) -> None:
    done = aws(emulator, "invoke-with-response-stream", "--function-name", "cases", "out")

    assert done.returncode != 0
    assert "invoke-with-response-stream" not in done.stdout
    assert "nvalid choice" in done.stderr


# --- boto3 -----------------------------------------------------------------------------------------------------------

CALLS = ("invoke", "invoke_with_response_stream")


@pytest.fixture
def text_sdk(emulator: EmulatorProcess) -> Iterator[Any]:
    """A client that says that its events are text."""

    def change(request: Any, **_: Any) -> None:
        request.headers["Content-Type"] = "text/plain"

    with closing(boto3_client(emulator.lambda_api)) as client:
        client.meta.events.register("before-sign.lambda", change)
        yield client


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "error", "arguments"),
    [
        (400, "InvalidRequestContentException", {"FunctionName": "cases", "Payload": "no json"}),
        (400, "InvalidRequestContentException", {"FunctionName": "cases", "ClientContext": "no base64"}),
        (404, "ResourceNotFoundException", {"FunctionName": "absent"}),
        (413, "RequestTooLargeException", {"FunctionName": "cases", "Payload": b" " * 6_291_457}),
        (413, "RequestTooLargeException", {"FunctionName": "cases", "Payload": b" " * 30_000_000}),
        (429, "TooManyRequestsException", {"FunctionName": "off"}),
    ],
)
def test_boto3_raises_the_errors_of_its_model(
    sdk: Any, call: str, status: int, error: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(getattr(sdk.exceptions, error)) as raised:
        getattr(sdk, call)(**arguments)

    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Message"]
    if status == 429:
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.mark.parametrize("call", CALLS)
def test_boto3_is_told_that_an_event_is_json(text_sdk: Any, call: str) -> None:
    with pytest.raises(text_sdk.exceptions.UnsupportedMediaTypeException) as raised:
        getattr(text_sdk, call)(FunctionName="cases", Payload=VALUE)

    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 415


def test_boto3_checks_an_invocation_type_before_it_is_sent_and_the_emulator_after(sdk: Any) -> None:
    with pytest.raises(sdk.exceptions.InvalidParameterValueException):
        sdk.invoke(FunctionName="cases", InvocationType="Later")


def test_boto3_reads_pages(sdk: Any) -> None:
    pages = [
        page["Functions"] for page in sdk.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 5})
    ]

    assert [len(page) for page in pages[:-1]] == [5] * (len(pages) - 1)
    names = [function["FunctionName"] for page in pages for function in page]
    assert names == [function["FunctionName"] for function in sdk.list_functions()["Functions"]]
    with pytest.raises(sdk.exceptions.InvalidParameterValueException):
        sdk.list_functions(Marker="nil")


# --- signed requests -------------------------------------------------------------------------------------------------


def curl(emulator: EmulatorProcess, target: str, *options: str, secret: str | None = None) -> tuple[int, bytes]:
    """Return status and body of a request that curl has signed."""
    keys = emulator.credentials
    sign = ["--aws-sigv4", "aws:amz:us-east-1:lambda", "--user"]
    sign.append(f"{keys['access_key_id']}:{secret or keys['secret_access_key']}")
    command = [str(CURL), "-sS", "-N", "--noproxy", "*", "-w", "\n%{http_code}", *sign, *options]
    done = subprocess.run(
        [*command, emulator.urls["signed"].removesuffix("/") + target],
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


@pytest.mark.skipif(CURL is None, reason="there is no curl")
@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("/value?value=42", []),
        ("/value?a=b&value=42", ["-H", "X-Mine: a  b"]),  # in order: curl 7.88 signs a query as it stands
        ("/value?value=42", ["-d", '{"a": "ž"}', "-H", "Content-Type: application/json"]),
        ("/value?value=42", ["-X", "PUT", "--data-binary", "@/dev/null"]),
    ],
)
def test_what_curl_has_signed_is_let_in(emulator: EmulatorProcess, target: str, options: list[str]) -> None:
    assert curl(emulator, target, *options) == (200, b"42")


@pytest.mark.skipif(CURL is None, reason="there is no curl")
def test_what_curl_has_signed_with_another_secret_is_not(emulator: EmulatorProcess) -> None:
    status, body = curl(emulator, "/value?value=42", secret="another")  # noqa: S106 - an example

    assert status == 403
    assert json.loads(body)["message"].startswith("The request signature we calculated does not match the signature ")


def signed(emulator: EmulatorProcess, target: str, signer: Callable[..., Any], **arguments: Any) -> tuple[int, bytes]:
    """Return status and body of a request that botocore has signed and sent."""
    keys = emulator.credentials
    credentials = Credentials(keys["access_key_id"], keys["secret_access_key"])
    request = AWSRequest(url=emulator.urls["signed"].removesuffix("/") + target, **arguments)
    signer(credentials, "lambda", keys["region"]).add_auth(request)
    response = URLLib3Session().send(request.prepare())
    return response.status_code, response.content


@pytest.mark.parametrize("signer", [SigV4Auth, SigV4QueryAuth])
@pytest.mark.parametrize("target", ["/value?value=42", "/value?b=%20%2B&value=42&a=%C5%BE&a"])
def test_what_botocore_has_signed_is_let_in(emulator: EmulatorProcess, target: str, signer: Callable[..., Any]) -> None:
    assert signed(emulator, target, signer, method="GET") == (200, b"42")


def test_a_body_is_signed_too(emulator: EmulatorProcess) -> None:
    assert signed(emulator, "/value?value=42", SigV4Auth, method="POST", data=b"any body") == (200, b"42")
    exchange = Exchange(emulator.urls["signed"])
    exchange.send("GET", "/value?value=42", {}, None)
    assert exchange.response.status == 403
    assert json.loads(exchange.response.read())["Message"].startswith("Forbidden. For troubleshooting Function URL ")
    exchange.close()


@pytest.mark.parametrize("asked", [{}, {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "mine"}])
def test_streamify_invoke_signs_by_itself(emulator: EmulatorProcess, asked: dict[str, Any]) -> None:
    url = f"{emulator.urls['signed']}value?value=42"

    done = streamify("invoke", "--json", url, **asked, AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)

    head, chunk, _ = map(json.loads, done.stdout.splitlines())
    assert (head[2]["status_code"], chunk[1:]) == (200, ["o", "42"])


def test_the_sdk_says_what_it_could_not_reach(emulator: EmulatorProcess) -> None:
    def change(request: Any, **_: Any) -> None:
        request.headers["Host"] = "attacker.example"

    with closing(boto3_client(emulator.lambda_api)) as client:
        client.meta.events.register("before-send.lambda", change)
        with pytest.raises(botocore.exceptions.ClientError, match=r"AccessDeniedException.*'attacker\.example'"):
            client.list_functions()
