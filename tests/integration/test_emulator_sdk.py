"""What boto3's own client gets from the emulator, of functions that answer and of those that fail."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_process import TEMPLATE, EmulatorProcess
from gate import Gate

APP = TEMPLATE.parent / "functions" / "app.py"

# Beyond the basic plane, combining, and what JavaScript and terminals take for the end of a line or of a text.
FOREIGN = "žluťoučký 東京 😀 e\u0301 \u2028\x85\0\r\n"


def invoke(sdk: Any, event: object, name: str = "cases") -> list[dict[str, Any]]:
    """Return the events of the response."""
    payload = event if isinstance(event, bytes) else json.dumps(event)
    response = sdk.invoke_with_response_stream(FunctionName=name, Payload=payload)
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert response["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    return list(response["EventStream"])


def payload(events: Iterable[dict[str, Any]]) -> bytes:
    """Return the body, of events that end as they should."""
    *chunks, complete = events
    assert complete == {"InvokeComplete": {}}
    return b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks)


def line_of(code: str) -> int:
    return APP.read_text().splitlines().index(code) + 1


def test_chunks_come_in_order_and_the_end_comes_last(sdk: Any) -> None:
    body = [f"{number:05}\n" for number in range(2000)]

    events = invoke(sdk, {"case": "answer", "response": json.dumps({"statusCode": 200, "body": body})})

    assert payload(events) == "".join(body).encode()


def test_a_direct_caller_gets_no_prelude_and_bytes_as_they_are(sdk: Any) -> None:
    response = {"statusCode": 201, "headers": {"x-kind": "brief"}, "body": ["one, ", {"base64": "AP8="}]}

    assert payload(invoke(sdk, {"case": "answer", "response": json.dumps(response)})) == b"one, \x00\xff"


def test_a_plain_value_is_json(sdk: Any) -> None:
    assert payload(invoke(sdk, {"case": "value", "value": '{"statusCode": 201}'})) == b'{"statusCode": 201}'


def test_an_empty_generator_is_an_empty_stream(sdk: Any) -> None:
    events = invoke(sdk, {"case": "answer", "response": '{"body": []}'})

    assert events == [{"InvokeComplete": {}}]


@pytest.mark.parametrize("text", [json.dumps, lambda value: json.dumps(value, ensure_ascii=False)])
def test_the_event_reaches_the_handler_unchanged(sdk: Any, text: Any) -> None:
    event = {"case": "event", FOREIGN: [FOREIGN, 1.5, 10**20, True, None, {}], "nested": {"requestContext": {}}}

    assert json.loads(payload(invoke(sdk, text(event).encode()))) == event


def test_an_event_of_almost_six_megabytes_reaches_the_handler(sdk: Any) -> None:
    event = {"case": "event", "text": "x" * (6 * 1024 * 1024 - 100)}

    assert json.loads(payload(invoke(sdk, event))) == event


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["fails", "async_fails"])
def test_an_error_after_the_first_byte_comes_behind_the_chunks_with_its_stack_trace(sdk: Any, case: str) -> None:
    *chunks, last = invoke(sdk, {"case": case, "after": 2})

    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks) == b"chunk 0\nchunk 1\n"
    assert last["InvokeComplete"]["ErrorCode"] == "Function.LookupError"
    details = json.loads(last["InvokeComplete"]["ErrorDetails"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", details.pop("requestId"))
    code = 'raise LookupError("no more chunks")'
    start = line_of(
        f"{'async ' if case == 'async_fails' else ''}def {case}(asked: Event) -> "
        f"{'Async' if case == 'async_fails' else ''}Iterator[str]:"
    )
    (frame,) = details.pop("stackTrace")
    assert frame == f'  File "{APP}", line {start + 3}, in {case}\n    {code}\n'
    assert details == {"errorMessage": "no more chunks", "errorType": "LookupError"}


@pytest.mark.parametrize(
    ("event", "error_type", "message"),
    [
        ({"case": "raises"}, "ValueError", "no answer"),
        ({"case": "fails", "after": 0}, "LookupError", "no more chunks"),
        ({"case": "async_fails", "after": 0}, "LookupError", "no more chunks"),
        ({"case": "nil"}, "KeyError", "'nil'"),
    ],
    ids=["handler", "generator", "async-generator", "handler-s-own"],
)
def test_an_error_before_the_first_byte_is_the_payload_and_is_named_at_the_end(
    sdk: Any, event: dict[str, Any], error_type: str, message: str
) -> None:
    chunk, last = invoke(sdk, event)

    report = json.loads(chunk["PayloadChunk"]["Payload"])
    assert (report["errorType"], report["errorMessage"]) == (error_type, message)
    assert f'File "{APP}"' in report["stackTrace"][-1]
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(last["InvokeComplete"]["ErrorDetails"]) == report


def test_a_function_that_failed_serves_the_next_invocation_in_the_same_process(sdk: Any) -> None:
    before = payload(invoke(sdk, {"case": "process"}))
    invoke(sdk, {"case": "fails", "after": 0})
    invoke(sdk, {"case": "fails", "after": 2})
    invoke(sdk, {"case": "raises"})

    assert payload(invoke(sdk, {"case": "process"})) == before


# --- names -----------------------------------------------------------------------------------------------------------

ARN = "arn:aws:lambda:us-east-1:123456789012:function:cases"


@pytest.mark.parametrize(
    "name",
    ["cases", "cases:$LATEST", "cases:live", ARN, f"{ARN}:$LATEST", f"{ARN}:7", "123456789012:function:cases"],
)
def test_a_function_has_the_forms_of_name_that_it_has_on_aws(sdk: Any, name: str) -> None:
    assert payload(invoke(sdk, {"case": "value", "value": "42"}, name)) == b"42"


def test_a_qualifier_may_stand_beside_the_name(sdk: Any) -> None:
    response = sdk.invoke_with_response_stream(
        FunctionName="cases", Qualifier="live", Payload='{"case": "value", "value": "42"}'
    )

    assert payload(response["EventStream"]) == b"42"


@pytest.mark.parametrize("name", ["nil", "nil:live", ARN.replace("cases", "nil")])
def test_an_unknown_function_is_not_found(sdk: Any, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(sdk, {}, name)

    assert isinstance(caught.value, sdk.exceptions.ResourceNotFoundException)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    expected = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nil"
    assert caught.value.response["Error"]["Message"].startswith(expected)


def test_a_logical_id_is_no_name_where_the_template_gives_one(sdk: Any) -> None:
    with pytest.raises(sdk.exceptions.ResourceNotFoundException):
        invoke(sdk, {}, "CasesFunction")


# --- requests that reach no function ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [b"not JSON", b'{"case": "value"', b"\xff\xfe", b"'text'"])
def test_an_event_that_is_not_json_is_refused(sdk: Any, event: bytes) -> None:
    with pytest.raises(sdk.exceptions.InvalidRequestContentException) as caught:
        invoke(sdk, event)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Could not parse request body into json" in caught.value.response["Error"]["Message"]


def test_an_event_over_six_megabytes_is_refused(sdk: Any) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(sdk, {"text": "x" * 6 * 1024 * 1024})

    assert isinstance(caught.value, sdk.exceptions.RequestTooLargeException)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_call_that_is_not_emulated_says_so(sdk: Any) -> None:
    with pytest.raises(ClientError, match="is not a call that this emulator supports"):
        sdk.get_account_settings()


def test_no_payload_is_an_empty_object(sdk: Any) -> None:
    chunk, _ = sdk.invoke_with_response_stream(FunctionName="cases")["EventStream"]

    assert json.loads(chunk["PayloadChunk"]["Payload"])["errorMessage"] == "'case'"  # the handler's own KeyError


# --- what the handler is told ----------------------------------------------------------------------------------------


# A function's log and its response take different ways: what it wrote before may still come in.


def test_what_a_function_prints_is_in_the_log_with_its_name(emulator: EmulatorProcess, sdk: Any) -> None:
    with emulator.logged("cases | said ž\ncases | complained ž\n"):
        invoke(sdk, {"case": "says", "text": "ž"})


def test_an_error_is_in_the_log_with_its_stack_trace(emulator: EmulatorProcess, sdk: Any) -> None:
    head = "cases | [ERROR] LookupError: no more chunks\ncases | Traceback (most recent call last):\n"
    spaces = "\xa0" * 4
    with emulator.logged(head, f'in fails\ncases | {spaces}raise LookupError("no more chunks")\n'):
        invoke(sdk, {"case": "fails", "after": 2})


# --- Invoke: all of the response at once -----------------------------------------------------------------------------


def test_a_plain_invocation_waits_for_the_whole_result(sdk: Any) -> None:
    response = sdk.invoke(FunctionName="cases", Payload='{"case": "value", "value": "[1, 2]"}')

    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert response["Payload"].read() == b"[1, 2]"


def test_a_plain_invocation_gets_a_stream_in_one_piece(sdk: Any) -> None:
    event = {"case": "answer", "response": '{"body": ["one, ", "two"]}'}

    assert sdk.invoke(FunctionName="cases", Payload=json.dumps(event))["Payload"].read() == b"one, two"


def test_an_error_is_the_payload_of_a_plain_invocation_and_its_header_says_so(sdk: Any) -> None:
    response = sdk.invoke(FunctionName="cases", Payload='{"case": "fails"}')

    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert "errorMessage" in json.loads(response["Payload"].read())


def test_an_asynchronous_invocation_is_accepted_and_runs(sdk: Any, gate: Gate) -> None:
    event = {"case": "gated", "gate": gate.address, "chunks": 2}

    response = sdk.invoke(FunctionName="cases", InvocationType="Event", Payload=json.dumps(event))

    assert (response["StatusCode"], response["Payload"].read()) == (202, b"")
    gate.open()
    gate.open()


def test_a_dry_run_runs_nothing(sdk: Any) -> None:
    response = sdk.invoke(FunctionName="cases", InvocationType="DryRun", Payload='{"case": "exits"}')

    assert response["StatusCode"] == 204


# --- what there is ---------------------------------------------------------------------------------------------------


def test_functions_can_be_listed_and_looked_at(sdk: Any, emulator: EmulatorProcess) -> None:
    names = [function["FunctionName"] for function in sdk.list_functions()["Functions"]]
    found = sdk.get_function(FunctionName="cases")["Configuration"]

    assert "cases" in names
    configuration = sdk.get_function_configuration(FunctionName="cases")
    assert {name: configuration[name] for name in found} == found
    assert (found["Handler"], found["State"]) == ("app.handler", "Active")
    assert found["FunctionArn"].endswith(":function:cases")
    url = sdk.get_function_url_config(FunctionName="cases")
    assert (url["FunctionUrl"], url["InvokeMode"], url["AuthType"]) == (
        emulator.urls["cases"],
        "RESPONSE_STREAM",
        "NONE",
    )


@pytest.mark.parametrize(
    "call",
    ["get_function", "get_function_configuration", "get_function_url_config", "invoke", "invoke_with_response_stream"],
)
def test_what_is_not_there_is_not_found(sdk: Any, call: str) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(sdk, call)(FunctionName="absent")

    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
