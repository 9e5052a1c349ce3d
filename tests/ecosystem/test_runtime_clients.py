"""AWS's own runtime clients, unmodified, under the emulator: what it does not know of them it cannot favour."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, boto3_client, emulating
from gate import Gate
from node_client import NodeMissingError, node_client
from process_table import PROC
from processes import ROOT
from url_client import request, wire
from waiting import wait_until

TEMPLATE = ROOT / "tests" / "data" / "clients" / "template.yaml"
TIMED_OUT = "Task timed out after 1.00 seconds"


@pytest.fixture(scope="module")
def node() -> tuple[Path, Path] | NodeMissingError:
    try:
        return node_client()
    except NodeMissingError as missing:
        return missing


@pytest.fixture(scope="module")
def emulator(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, node: tuple[Path, Path] | NodeMissingError
) -> Iterator[EmulatorProcess]:
    options = []
    if isinstance(node, tuple):
        options = ["--parameter", f"Node={node[0]}", "--parameter", f"NodeClient={node[1]}"]
    with emulating(tmp_path_factory.mktemp("clients"), cache, *options, template=TEMPLATE) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def sdk(emulator: EmulatorProcess) -> Iterator[Any]:
    with closing(boto3_client(emulator.lambda_api)) as client:
        yield client


@pytest.fixture
def _needs_node(node: tuple[Path, Path] | NodeMissingError) -> None:
    if isinstance(node, NodeMissingError):
        pytest.skip(str(node))


needs_node = pytest.mark.usefixtures("_needs_node")


def invoke(sdk: Any, name: str, case: str | None = None, **event: object) -> tuple[bytes, dict[str, str]]:
    """Return the body of a response, and how it ended."""
    payload = json.dumps({**({"case": case} if case else {}), **event})
    *chunks, last = sdk.invoke_with_response_stream(FunctionName=name, Payload=payload)["EventStream"]
    return b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks), last["InvokeComplete"]


def answer(sdk: Any, name: str, case: str | None = None, **event: object) -> Any:
    """Return the value that a function returns."""
    body, complete = invoke(sdk, name, case, **event)
    assert complete == {}
    return json.loads(body)


def failure(sdk: Any, name: str, case: str | None = None, **event: object) -> tuple[str, str, str]:
    """Return what the platform calls an error that came before the response, and its type and message."""
    body, complete = invoke(sdk, name, case, **event)
    report = json.loads(body)
    assert json.loads(complete["ErrorDetails"]) == report
    return complete["ErrorCode"], report["errorType"], report["errorMessage"]


def ends_as(complete: dict[str, str], error_type: str, message: str) -> None:
    """Assert that an invocation ended with this error of the platform's."""
    details = json.loads(complete["ErrorDetails"])
    assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {re.escape(message)}", details["errorMessage"])
    assert complete["ErrorCode"] == details["errorType"] == error_type


# --- Python ----------------------------------------------------------------------------------------------------------


def test_aws_s_python_client_answers(emulator: EmulatorProcess, sdk: Any) -> None:
    value = {"answer": [42, None, "žluť"]}

    for _ in range(3):
        assert answer(sdk, "python", "value", value=value) == value
    reply = request(emulator.urls["python"], "/a/b")
    assert (reply.status, reply.all("content-type"), reply.json()) == (200, ["application/json"], {"path": "/a/b"})


def test_aws_s_python_client_streams_nothing_and_has_no_limit_of_its_own(sdk: Any) -> None:
    assert answer(sdk, "python", "sized", size=7_000_000) == "x" * 7_000_000
    assert failure(sdk, "python", "generator") == (
        "Unhandled",
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type generator is not JSON serializable",
    )


def test_aws_s_python_client_understands_all_that_comes_with_an_event(sdk: Any) -> None:
    context = base64.b64encode(json.dumps({"custom": {"name": "žluť"}, "client": {}, "env": {}}).encode()).decode()
    response = sdk.invoke_with_response_stream(
        FunctionName="python", Payload='{"case": "said"}', ClientContext=context, TenantId="blue"
    )
    chunk, _ = response["EventStream"]
    said = json.loads(chunk["PayloadChunk"]["Payload"])

    assert said.pop("request_id") == response["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", said.pop("trace_id"))
    assert said == {
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:python",
        "tenant_id": "blue",
        "custom": {"name": "žluť"},
    }


def test_aws_s_python_client_finds_the_layers_and_the_function_as_on_aws(sdk: Any) -> None:
    name, first, task = answer(sdk, "python", "shared")

    assert name == "the layer"
    assert first == task == str(TEMPLATE.parent / "python")


def test_aws_s_python_client_fails_and_goes_on(emulator: EmulatorProcess, sdk: Any) -> None:
    process = answer(sdk, "python", "process")
    with emulator.logged("python | [ERROR] ValueError: no answer\n"):
        assert failure(sdk, "python", "raises", message="no answer") == ("Unhandled", "ValueError", "no answer")

    assert answer(sdk, "python", "process") == process


@pytest.mark.parametrize(
    ("case", "status", "message"),
    [
        ("exits", 3, "Runtime exited with error: exit status 3"),
        ("exits", 0, "Runtime exited without providing a reason"),
        ("quits", 4, "Runtime exited with error: exit status 4"),
        ("kills", 9, "Runtime exited with error: signal: killed"),
    ],
)
def test_aws_s_python_client_ends_and_another_goes_on(sdk: Any, case: str, status: int, message: str) -> None:
    _, complete = invoke(sdk, "python", case, status=status)

    ends_as(complete, "Runtime.ExitError", message)
    assert answer(sdk, "python", "value", value=1) == 1


def test_aws_s_python_client_is_ended_when_its_time_is_over(emulator: EmulatorProcess, sdk: Any) -> None:
    with emulator.logged("python-brief | hangs\n", f"python-brief | {TIMED_OUT}\n"):
        _, complete = invoke(sdk, "python-brief", "hangs")

    ends_as(complete, "Sandbox.Timedout", TIMED_OUT)
    assert answer(sdk, "python-brief", "value", value=1) == 1


def test_aws_s_python_client_cannot_start_and_tries_again_each_time(emulator: EmulatorProcess, sdk: Any) -> None:
    for _ in range(2):
        with emulator.logged("python-broken | [ERROR] RuntimeError: no configuration\n"):
            assert failure(sdk, "python-broken") == ("Runtime.Unknown", "RuntimeError", "no configuration")


def test_aws_s_python_client_passes_a_snapshot(sdk: Any) -> None:
    assert answer(sdk, "python-snapstart") == ["before", "after"]


def test_aws_s_python_client_fails_after_a_snapshot(sdk: Any) -> None:
    assert failure(sdk, "python-bad-hook") == ("Runtime.AfterRestoreError", "RuntimeError", "not restored")


def test_a_function_whose_layer_is_switched_off_runs_under_aws_s_python_client(sdk: Any) -> None:
    assert failure(sdk, "disabled", "generator")[1] == "Runtime.MarshalError"
    assert answer(sdk, "disabled", "shared")[0] == "the layer"


# --- a runtime that nobody would write -------------------------------------------------------------------------------

PATH = b"/2018-06-01/runtime/invocation"
ASK = b"GET %b/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % PATH
POST = b"POST %b/{id}/response HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n" % PATH
SAID_HALF = POST + b"\r\n4\r\nhalf\r\n"
SAID_ALL = SAID_HALF + b"0\r\n\r\n"
DIED, LEFT = ("Runtime.ExitError", "exit status 7"), ("Sandbox.Timedout", TIMED_OUT)


@pytest.mark.parametrize(
    ("sends", "options", "body", "ending"),
    [
        ([], {}, b"", DIED),
        ([b"\0\xff nonsense \r\n\r\n"], {"reads": True}, b"", DIED),
        ([ASK[:30]], {"connections": 300}, b"", DIED),
        ([ASK[:30]], {"connections": 300, "stays": True}, b"", LEFT),
        ([ASK], {"times": 20_000, "stays": True}, b"", LEFT),
        ([b"GET / HTTP/1.1\r\nX: ", b"x" * 2_000_000], {"reads": True, "stays": True}, b"", LEFT),
        ([POST.replace(b"{id}", b"other") + b"\r\nffffffff\r\n", b"x" * 2_000_000], {"reads": True}, b"", DIED),
        ([POST + b"Lambda-Runtime-Function-Response-Mode: Streaming\r\n\r\n"], {"stays": True}, b"", None),
        ([SAID_HALF], {}, b"half", DIED),
        ([SAID_HALF], {"stays": True}, b"half", LEFT),
        ([SAID_HALF, b"no chunk\r\n"], {"reads": True, "stays": True}, b"half", ("Runtime.TruncatedResponse", "")),
        (
            [SAID_HALF, b"0\r\nX: " + b"x" * 10_000 + b"\r\n\r\n"],
            {"stays": True},
            b"half",
            ("Runtime.TruncatedResponse", ""),
        ),
        ([SAID_HALF, SAID_HALF], {"stays": True}, b"half", ("Runtime.TruncatedResponse", "")),
        ([SAID_ALL], {"times": 1000, "stays": True}, b"half", ("", "")),
        ([SAID_ALL], {"connections": 10}, b"half", ("", "")),
    ],
)
def test_a_runtime_without_manners_harms_nobody_else(
    emulator: EmulatorProcess,
    sdk: Any,
    sends: list[bytes],
    options: dict[str, Any],
    *,
    body: bytes,
    ending: tuple[str, str] | None,
) -> None:
    assert answer(sdk, "python", "value", value=1) == 1
    event = {"sends": [base64.b64encode(data).decode() for data in sends], "times": 1, "connections": 1}
    name = "rude-brief" if ending is LEFT else "rude"
    sent, complete = invoke(sdk, name, **{**event, "reads": False, "stays": False, **options})

    error_type, message = ending or ("Runtime.InvalidResponseModeHeader", "")
    assert complete.get("ErrorCode", "") == error_type
    assert message in complete.get("ErrorDetails", "")
    assert sent == body or ending in {DIED, LEFT}
    assert sent.startswith(body)
    assert answer(sdk, "python", "value", value=1) == 1
    # Each of its connections is gone, at the latest when it is.
    open_files = PROC / str(emulator.process.pid) / "fd"
    wait_until(lambda: len(list(open_files.iterdir())) < 100, "the end of the runtime's connections")


# --- Node.js ---------------------------------------------------------------------------------------------------------


@needs_node
def test_aws_s_node_client_answers(sdk: Any) -> None:
    value = {"answer": [42, None, "žluť"]}

    for _ in range(3):
        assert answer(sdk, "node", "value", value=value) == value


@needs_node
def test_aws_s_node_client_fails_ends_and_another_goes_on(sdk: Any) -> None:
    assert failure(sdk, "node", "raises", message="no answer") == ("Unhandled", "TypeError", "no answer")
    _, complete = invoke(sdk, "node", "exits", status=3)
    ends_as(complete, "Runtime.ExitError", "Runtime exited with error: exit status 3")
    assert answer(sdk, "node", "value", value=1) == 1


@needs_node
def test_aws_s_node_client_streams(emulator: EmulatorProcess) -> None:
    for _ in range(2):
        with Gate() as gate, wire(emulator.urls["node-stream"], "/http", gate=gate.address) as stream:
            head = stream.read_until(b"\r\n\r\n").lower()
            for number in range(3):
                assert stream.read_until(b"\n\r\n").endswith(b"chunk %d\n\r\n" % number)
                gate.open()
            assert b"".join(stream.read_on()).endswith(b"0\r\n\r\n")

        assert head.startswith(b"http/1.1 201 ")
        for line in (b"content-type: text/plain", b"x-kind: brief", b"set-cookie: a=1"):
            assert b"\r\n" + line + b"\r\n" in head


@needs_node
def test_aws_s_node_client_streams_to_an_sdk(sdk: Any, gate: Gate) -> None:
    event = json.dumps({"gate": gate.address})
    stream = iter(sdk.invoke_with_response_stream(FunctionName="node-stream", Payload=event)["EventStream"])
    for number in range(3):
        assert next(stream) == {"PayloadChunk": {"Payload": b"chunk %d\n" % number}}
        gate.open()

    assert list(stream) == [{"InvokeComplete": {}}]


@needs_node
@pytest.mark.parametrize(
    ("case", "body", "message"), [("fails", b"so far\n", "no more chunks"), ("fails-first", b"", "no first chunk")]
)
def test_aws_s_node_client_fails_within_its_stream(sdk: Any, case: str, body: bytes, message: str) -> None:
    for _ in range(2):
        sent, complete = invoke(sdk, "node-stream", case)

        assert sent == body
        assert complete["ErrorCode"] == "RangeError"
        details = json.loads(complete["ErrorDetails"])
        assert (details["errorType"], details["errorMessage"]) == ("RangeError", message)


@needs_node
@pytest.mark.parametrize("case", ["fails-first", "http-fails-first"])  # it sends a prelude with the first write only
def test_aws_s_node_client_fails_before_its_first_write_and_the_url_answers_502(
    emulator: EmulatorProcess, case: str
) -> None:
    reply = request(emulator.urls["node-stream"], f"/{case}")

    assert (reply.status, reply.body) == (502, b"Internal Server Error")


@needs_node
def test_aws_s_node_client_ends_within_its_stream_and_another_goes_on(emulator: EmulatorProcess, sdk: Any) -> None:
    body, complete = invoke(sdk, "node-stream", "exits")

    assert body == b"so far\n"
    ends_as(complete, "Runtime.ExitError", "Runtime exited with error: exit status 3")
    assert request(emulator.urls["node-stream"], "/http").body == b"so far\n"


@needs_node
def test_aws_s_node_client_is_ended_within_its_stream_when_its_time_is_over(sdk: Any) -> None:
    body, complete = invoke(sdk, "node-brief", "hangs")

    assert body == b"so far\n"
    ends_as(complete, "Sandbox.Timedout", TIMED_OUT)
    assert invoke(sdk, "node-brief") == (b"so far\n", {})


@needs_node
def test_aws_s_node_client_cannot_start_and_tries_again_each_time(sdk: Any) -> None:
    for _ in range(2):
        assert failure(sdk, "node-broken") == ("Runtime.Unknown", "Error", "no configuration")
