"""The processes that functions run in: how many there are, what they find there, and how they end."""

import json
import os
import re
import signal
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from emulator_process import TEMPLATE, EmulatorProcess, boto3_client, emulating
from gate import Gate
from lambda_streamify_emulator.sandboxes.event_queue import LIMIT_BYTES
from process_table import is_running, resident
from processes import ROOT
from url_client import Reply, request, wait_until_one_answers, wire
from waiting import wait_until

FUNCTIONS = TEMPLATE.parent / "functions"
LITTLE = 16 * 1024 * 1024  # memory that comes and goes in any process
INTERNAL_SERVER_ERROR = (502, b"Internal Server Error")


def invoke(sdk: Any, name: str, **event: object) -> tuple[bytes, dict[str, str]]:
    """Return the body of a response, and how it ended."""
    stream = sdk.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event))["EventStream"]
    *chunks, last = stream
    return b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks), last["InvokeComplete"]


def fails_as(complete: dict[str, str], error_type: str, message: str) -> None:
    """Assert that an invocation ended with this error of the platform's."""
    details = json.loads(complete["ErrorDetails"])
    request_id = r"RequestId: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} Error: "
    assert re.sub(f"^{request_id}", "", details.pop("errorMessage")) == message
    assert (complete["ErrorCode"], details) == (error_type, {"errorType": error_type})


# --- how many --------------------------------------------------------------------------------------------------------


def test_an_asynchronous_event_that_fails_is_tried_again_twice_under_its_id(
    emulator: EmulatorProcess, sdk: Any
) -> None:
    with emulator.logged("cases | ", ", 3 times: the event is dropped") as lines:
        answer = sdk.invoke(FunctionName="cases:live", Payload='{"case": "raises"}', InvocationType="Event")

    request_id = answer["ResponseMetadata"]["RequestId"]
    assert sum(line.startswith(f"cases | START RequestId: {request_id} ") for line in lines) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc how much memory the emulator holds")
def test_asynchronous_events_that_no_sandbox_is_free_for_are_bounded(emulator: EmulatorProcess, gate: Gate) -> None:
    """300 events of 1 MB, of which all but 31 are refused."""
    url, target = emulator.urls["reserved"], "/2015-03-31/functions/reserved/invocations"
    event = json.dumps({"case": "value", "value": "1", "filling": "x" * 1_000_000}).encode()
    headers = {"X-Amz-Invocation-Type": "Event"}
    with wire(url, "/gated_processes", gate=gate.address, chunks=1) as stream:
        stream.read_until(b"process ")
        before = resident(emulator.process.pid)
        replies = [
            request(emulator.lambda_api, target, method="POST", body=event, headers=headers).status for _ in range(300)
        ]
        held = resident(emulator.process.pid) - before
        gate.open()
        stream.read_until(b"0\r\n\r\n")

    taken = replies.count(202)
    assert replies == [202] * taken + [429] * (300 - taken)
    assert 0 < taken * len(event) <= LIMIT_BYTES
    assert held < LIMIT_BYTES + LITTLE
    # Those that were taken run when there is room; then others are taken.
    wait_until(
        lambda: request(emulator.lambda_api, target, method="POST", body=event, headers=headers).status == 202,
        "room for another event",
    )


def test_two_streams_at_once_run_in_two_processes_of_which_one_is_used_again(emulator: EmulatorProcess) -> None:
    url = emulator.urls["cases"]
    with ExitStack() as stack:
        gates = [stack.enter_context(Gate()) for _ in range(2)]
        streams = [stack.enter_context(wire(url, "/gated_processes", gate=gate.address, chunks=3)) for gate in gates]
        processes: list[list[int]] = [[], []]
        for _ in range(3):
            for stream, gate, seen in zip(streams, gates, processes, strict=True):
                stream.read_until(b"process ")
                seen.append(int(stream.read_until(b"\n")))
                gate.open()
        for stream in streams:
            assert b"".join(stream.read_on()) == b"\r\n0\r\n\r\n"

    (first, *more), (second, *others) = processes
    assert first != second
    assert ({*more}, {*others}) == ({first}, {second})
    wait_until_one_answers(url, {first, second})


def test_a_warm_process_is_used_again(emulator: EmulatorProcess) -> None:
    url = emulator.urls["cases"]

    wait_until_one_answers(url, {request(url, "/process").json()})


def test_a_process_that_dies_while_nobody_needs_it_is_replaced(emulator: EmulatorProcess) -> None:
    url = emulator.urls["cases"]
    process = request(url, "/process").json()
    os.kill(process, signal.SIGKILL)

    # For a moment the emulator may not have noticed.
    wait_until(lambda: request(url, "/process").status == 200, "an answer of another process")
    assert request(url, "/process").json() != process


def test_a_function_runs_as_often_at_a_time_as_it_reserves(emulator: EmulatorProcess, sdk: Any, gate: Gate) -> None:
    url, event = emulator.urls["reserved"], '{"case": "process"}'
    with wire(url, "/gated_processes", gate=gate.address, chunks=1) as stream:
        process = int(stream.read_until(b"process ") and stream.read_until(b"\n"))
        reply = request(url, "/process")
        with pytest.raises(sdk.exceptions.TooManyRequestsException) as raised:
            sdk.invoke_with_response_stream(FunctionName="reserved", Payload=event)
        with pytest.raises(sdk.exceptions.TooManyRequestsException):
            sdk.invoke(FunctionName="reserved", Payload=event)
        assert sdk.invoke(FunctionName="reserved", Payload=event, InvocationType="Event")["StatusCode"] == 202
        gate.open()
        assert b"".join(stream.read_on()).endswith(b"0\r\n\r\n")

    assert (reply.status, reply.body) == (429, b'{"message":"Rate Exceeded."}')
    assert reply.all("x-amzn-errortype") == ["TooManyRequestsException"]
    response: Any = raised.value.response
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    wait_until(lambda: request(url, "/process").status == 200, "room")
    assert request(url, "/process").json() == process


def test_a_function_that_reserves_nothing_is_switched_off(emulator: EmulatorProcess) -> None:
    assert request(emulator.urls["off"], "/process").status == 429


# --- what a function finds -------------------------------------------------------------------------------------------

FOREIGN = {
    "MARKER": "of the developer's shell",
    "AWS_ACCESS_KEY_ID": "the developer's",
    "AWS_PROFILE": "the developer's",
    "VIRTUAL_ENV": "/nil",
    "LD_LIBRARY_PATH": "/nil",
}
# What the emulator needs, what the tests need, what is installed beside both, and what lies where PYTHONPATH points.
ABSENT = ["typer", "rich", "uvicorn", "starlette", "httptools", "yaml", "samtranslator", "samcli"]
ABSENT += ["lambda_streamify_emulator", "pytest", "coverage", "pip", "setuptools", "shadow"]
PRESENT = ["boto3", "botocore", "urllib3", "s3transfer", "jmespath", "dateutil", "six"]
PRESENT += ["awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"]


@pytest.fixture(scope="module")
def surrounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path, Path]]:
    """What a function finds under an emulator of a developer who has much in the way; its files, and its cache.

    The cache is another one than the rest of the tests have: in there nothing was prepared for coverage.
    """
    folder = tmp_path_factory.mktemp("surroundings")
    (folder / "shadow.py").touch()
    cache = folder / "cache"
    variables = {**FOREIGN, "PYTHONPATH": str(folder)}
    with (
        emulating(folder, cache, measured=False, variables=variables) as emulator,
        closing(boto3_client(emulator.lambda_api)) as sdk,
    ):
        body, _ = invoke(sdk, "cases", case="surroundings", modules=[*ABSENT, *PRESENT])
        yield json.loads(body), emulator.scratch, cache


def test_the_package_is_the_built_layer_s_and_not_the_source_tree_s(
    surrounded: tuple[dict[str, Any], Path, Path],
) -> None:
    found, scratch, _ = surrounded

    assert re.fullmatch(
        rf"{re.escape(str(scratch))}/streamify-\w+/\d+/opt/\d+/python/lambda_streamify/__init__\.py", found["package"]
    )


def test_the_search_path_leads_to_the_function_the_layers_the_runtime_and_python_only(
    surrounded: tuple[dict[str, Any], Path, Path],
) -> None:
    found, scratch, cache = surrounded

    roots = [FUNCTIONS, scratch, cache, Path(sys.base_prefix), Path("/var/lang")]
    assert [entry for entry in found["path"] if not any(map(Path(entry).is_relative_to, roots))] == []
    assert not [entry for entry in found["path"] if str(ROOT / "layers") in entry]
    assert found["path"][0] == str(FUNCTIONS)


def test_what_lies_in_var_runtime_can_be_imported_and_the_emulator_s_other_dependencies_cannot(
    surrounded: tuple[dict[str, Any], Path, Path],
) -> None:
    found, scratch, _ = surrounded

    assert sorted(found["found"]) == sorted(PRESENT)
    assert all(str(scratch) in file for file in found["found"].values())


def test_the_environment_is_lambda_s_and_nothing_of_the_developer_s_shell(
    surrounded: tuple[dict[str, Any], Path, Path],
) -> None:
    found, scratch, _ = surrounded
    environment = found["environment"]

    # A shell runs the wrapper: the first two are its own.
    assert set(environment) - {"OLDPWD", "_", "LC_CTYPE"} == {
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_EXEC_WRAPPER",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "BOTO_CONFIG",
        "HOME",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "PWD",
        "PYTHONPATH",
        "SHLVL",
        "TZ",
        "_AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
    assert not set(FOREIGN.values()) & set(environment.values())
    assert environment["PYTHONPATH"] == environment["LAMBDA_RUNTIME_DIR"]
    assert environment["PYTHONPATH"].startswith(str(scratch))
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}"
    assert found["version"] == list(sys.version_info[:2])
    assert found["folder"] == environment["LAMBDA_TASK_ROOT"] == str(FUNCTIONS)


@pytest.mark.skipif(sys.platform != "linux", reason="it is /proc that shows environments")
def test_a_function_cannot_read_the_environment_of_the_emulator(surrounded: tuple[dict[str, Any], Path, Path]) -> None:
    found, _, _ = surrounded

    assert set(found["parent's environment"]) == {"\0"}


# --- what is logged --------------------------------------------------------------------------------------------------

LOG = r"START RequestId: {0} Version: \$LATEST\n(?P<own>.*)END RequestId: {0}\nREPORT RequestId: {0}\s+Duration: .*\n"


def logged(text: str, request_id: str) -> str:
    """Return the function's own lines of a log that is as Lambda writes it."""
    found = re.search(LOG.format(request_id), text, re.DOTALL)
    assert found is not None, text
    return found["own"]


def test_an_sdk_gets_the_end_of_the_log_with_the_response(sdk: Any) -> None:
    event = json.dumps({"case": "raises"})
    plain = sdk.invoke(FunctionName="cases", Payload=event, LogType="Tail")
    streamed = sdk.invoke_with_response_stream(FunctionName="cases", Payload=event, LogType="Tail")

    *_, last = streamed["EventStream"]
    results = {
        plain["ResponseMetadata"]["RequestId"]: plain["LogResult"],
        streamed["ResponseMetadata"]["RequestId"]: last["InvokeComplete"]["LogResult"],
    }
    assert len(results) == 2
    for request_id, result in results.items():
        assert logged(b64decode(result).decode(), request_id).startswith("[ERROR] ValueError: no answer\rTraceback ")
    assert "LogResult" not in sdk.invoke(FunctionName="cases", Payload=event)


def test_each_function_s_log_has_its_name_and_the_platform_s_lines(emulator: EmulatorProcess) -> None:
    request_id = request(emulator.urls["cases"], "/process").all("x-amzn-requestid")[0]

    wait_until(lambda: f"cases | REPORT RequestId: {request_id}" in emulator.log(), "the report of the invocation")
    lines = [line.removeprefix("cases | ") for line in emulator.log().splitlines(keepends=True) if "cases | " in line]
    assert logged("".join(line for line in lines if request_id in line), request_id) == ""


# --- how they end: by time -------------------------------------------------------------------------------------------

TIMED_OUT = "Task timed out after 1.00 seconds"


def test_a_function_that_takes_too_long_is_ended_with_all_it_started_and_the_body_so_far_is_delivered(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    url = emulator.urls["brief"]
    with emulator.logged(f"brief | {TIMED_OUT}\n"):
        reply = request(url, "/hangs", gate=gate.address)

    assert reply.status == 200
    process, started = map(int, reply.body.split())
    wait_until(lambda: not is_running(started), "the end of what the function had started")
    assert not is_running(process)
    assert request(url, "/process").status == 200


def test_an_sdk_is_told_that_a_function_took_too_long(emulator: EmulatorProcess, sdk: Any, gate: Gate) -> None:
    with emulator.logged(f"brief | {TIMED_OUT}\n"):
        body, complete = invoke(sdk, "brief", case="hangs", gate=gate.address)

    assert re.fullmatch(rb"\d+ \d+\n", body)
    fails_as(complete, "Sandbox.Timedout", TIMED_OUT)


def test_a_function_that_takes_too_long_before_its_first_byte_is_a_502(emulator: EmulatorProcess, gate: Gate) -> None:
    with emulator.logged(f"brief | {TIMED_OUT}\n"):
        reply = request(emulator.urls["brief"], "/abandoned_early", gate=gate.address, note="/nil")

    assert (reply.status, reply.body) == INTERNAL_SERVER_ERROR


# --- how they end: by themselves -------------------------------------------------------------------------------------


def gated_request(url: str, path: str, gate: Gate) -> Reply:
    """Return the reply of a function whose gate is opened when its first chunk is there."""
    with wire(url, path, gate=gate.address) as connection:
        head = connection.read_until(b"\r\n\r\n")
        body = connection.read_until(b"7\r\nso far\n\r\n")
        gate.open()
        rest = b"".join(connection.read_on())
    assert (body, rest) == (b"7\r\nso far\n\r\n", b"0\r\n\r\n")
    return Reply(int(head.split()[1]), [], body)


def test_a_process_that_ends_within_the_body_ends_the_body_and_the_next_one_runs_in_another(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    url = emulator.urls["cases"]
    with emulator.logged("cases | Runtime exited with error: exit status 3\n", "cases | Runtime.ExitError after the"):
        gated_request(url, "/exits", gate)

    assert request(url, "/process").status == 200


def test_an_sdk_is_told_that_a_process_has_ended_within_the_body(sdk: Any, gate: Gate) -> None:
    event = json.dumps({"case": "exits", "gate": gate.address})
    stream = iter(sdk.invoke_with_response_stream(FunctionName="cases", Payload=event)["EventStream"])
    assert next(stream) == {"PayloadChunk": {"Payload": b"so far\n"}}
    gate.open()
    (last,) = stream

    fails_as(last["InvokeComplete"], "Runtime.ExitError", "Runtime exited with error: exit status 3")


def test_a_handler_that_exits_within_the_body_says_so_itself(emulator: EmulatorProcess, sdk: Any) -> None:
    url = emulator.urls["cases"]
    reply = request(url, "/quits")

    assert (reply.status, reply.body) == (200, b"so far\n")
    assert request(url, "/process").status == 200
    with emulator.logged("cases | [ERROR] SystemExit: 3\n"):
        body, complete = invoke(sdk, "cases", case="quits")
    assert (body, complete["ErrorCode"]) == (b"so far\n", "Function.SystemExit")


@pytest.mark.parametrize("case", ["exits_first", "quits_first"])
def test_a_process_that_ends_before_the_first_byte_is_a_502(emulator: EmulatorProcess, sdk: Any, case: str) -> None:
    with emulator.logged("cases | Runtime exited with error: exit status 3\n"):
        reply = request(emulator.urls["cases"], f"/{case}")

    assert (reply.status, reply.body) == INTERNAL_SERVER_ERROR
    body, complete = invoke(sdk, "cases", case=case)
    assert body.decode() == complete["ErrorDetails"]
    fails_as(complete, "Runtime.ExitError", "Runtime exited with error: exit status 3")


# --- how they end: before they begin ---------------------------------------------------------------------------------

NO_PYTHON_S_FAULT = "not enough values to unpack (expected 2, got 1)"


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("missing-module", "Runtime.ImportModuleError", "Unable to import module 'nil': No module named 'nil'"),
        ("missing-function", "Runtime.HandlerNotFound", "Handler 'nil' missing on module 'app'"),
        ("no-dot", "Runtime.MalformedHandlerName", f"Bad handler 'app': {NO_PYTHON_S_FAULT}"),
        ("broken", "RuntimeError", "no configuration"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_every_invocation_s_answer(
    emulator: EmulatorProcess, sdk: Any, name: str, error_type: str, message: str
) -> None:
    for _ in range(2):
        with emulator.logged(f"{name} | [ERROR] {error_type}: {message}\n"):
            reply = request(emulator.urls[name])
        assert (reply.status, reply.body) == INTERNAL_SERVER_ERROR

    with emulator.logged(f"{name} | [ERROR] {error_type}: {message}\n"):
        body, complete = invoke(sdk, name)
    report = json.loads(body)
    assert (report["errorType"], report["errorMessage"]) == (error_type, message)
    assert json.loads(complete["ErrorDetails"]) == report
    assert complete["ErrorCode"] == (error_type if error_type.startswith("Runtime.") else "Runtime.Unknown")


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("exiting", "Runtime.ExitError", "Runtime exited with error: exit status 4"),
        ("missing-wrapper", "Runtime.ExitError", "Runtime exited with error: exit status 127"),
    ],
)
def test_a_process_that_does_not_come_up_is_every_invocation_s_answer(
    emulator: EmulatorProcess, sdk: Any, name: str, error_type: str, message: str
) -> None:
    for _ in range(2):
        with emulator.logged(f"{message}\n"):
            reply = request(emulator.urls[name])
        assert (reply.status, reply.body) == INTERNAL_SERVER_ERROR

    with emulator.logged(f"{message}\n") as lines:
        _, complete = invoke(sdk, name)
    assert all(line.startswith(f"{name} | ") for line in lines if line.endswith(message))
    assert complete["ErrorCode"] == error_type
    assert complete["ErrorDetails"].endswith(f'{message}"}}')
