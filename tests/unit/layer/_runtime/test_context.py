import logging
import sys
from typing import Any

import pytest

from invoking import Log
from lambda_streamify._runtime.context import LambdaContext, parse_header
from lambda_streamify._runtime.logging_handler import install
from lambda_streamify._runtime.logs import Logs
from lambda_streamify.errors import RuntimeFault

VARIABLES = {
    "AWS_LAMBDA_LOG_GROUP_NAME": "group",
    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
    "AWS_LAMBDA_FUNCTION_NAME": "name",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
}


def context(**arguments: Any) -> LambdaContext:
    return LambdaContext(**{"aws_request_id": "id", "deadline_ms": 2000, **arguments})


def test_the_functions_own_fields_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    made = context(invoked_function_arn="arn", tenant_id="tenant")

    assert (made.log_group_name, made.log_stream_name) == ("group", "stream")
    assert (made.function_name, made.function_version, made.memory_limit_in_mb) == ("name", "$LATEST", "128")
    assert (made.aws_request_id, made.invoked_function_arn, made.tenant_id) == ("id", "arn", "tenant")


@pytest.mark.parametrize(("now", "left"), [(1.0, 1000), (1.9994, 1), (2.0, 0), (3.0, 0)])
def test_the_time_left_never_falls_below_zero(now: float, left: int) -> None:
    assert context(clock=lambda: now).get_remaining_time_in_millis() == left


def test_without_client_and_identity_there_is_an_empty_identity() -> None:
    made = context()

    assert made.client_context is None
    assert made.identity.cognito_identity_id is None
    assert made.identity.cognito_identity_pool_id is None


CLIENT = {
    "client": {"installation_id": "i", "app_title": "t", "other": "gone"},
    "custom": {"a": 1},
    "env": {"b": 2},
    "w3c": {"traceparent": "00-1", "tracestate": 5, "baggage": "x", "other": "gone"},
}


def test_the_client_context_has_attributes() -> None:
    made = context(client_context={**CLIENT}, cognito_identity={"cognitoIdentityId": "a", "cognitoIdentityPoolId": "b"})

    assert repr(made.client_context) == (
        "ClientContext([custom={'a': 1},env={'b': 2},client=Client([installation_id=i,app_title=t,"
        "app_version_name=None,app_version_code=None,app_package_name=None])])"
    )
    assert repr(made.identity) == "CognitoIdentity([cognito_identity_id=a,cognito_identity_pool_id=b])"


def test_the_trace_context_keeps_only_known_text_fields() -> None:
    made = context(client_context={**CLIENT})

    assert made.w3c() == {"traceparent": "00-1", "baggage": "x"}
    made.w3c().clear()
    assert made.w3c() == {"traceparent": "00-1", "baggage": "x"}


def test_a_client_context_that_is_not_an_object_is_an_error_as_on_aws() -> None:
    with pytest.raises(AttributeError, match="'int' object has no attribute 'get'"):
        context(client_context=5)


@pytest.mark.parametrize("client_context", [None, {}, {"w3c": None}, {"w3c": "text"}, {"w3c": ["traceparent"]}])
def test_there_may_be_no_trace_context(client_context: dict[str, Any] | None) -> None:
    assert context(client_context=client_context).w3c() == {}


def test_awss_context_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("awslambdaric.lambda_context", reason="awslambdaric is not installed")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    client, identity = {**CLIENT}, {"cognitoIdentityId": "a"}

    ours = context(client_context={**CLIENT}, cognito_identity=identity, invoked_function_arn="arn", tenant_id="tenant")

    other = theirs.LambdaContext("id", client, identity, 2000, "arn", "tenant")
    assert repr(ours) == repr(other)
    assert ours.w3c() == other.w3c()
    assert {name for name in dir(other) if not name.startswith("_")} <= set(dir(ours))


@pytest.mark.parametrize("value", [None, ""])
def test_a_header_may_be_absent(value: str | None) -> None:
    assert parse_header(value, "Client Context") is None


def test_a_header_is_json() -> None:
    assert parse_header('{"a": 1}', "Client Context") == {"a": 1}


def test_a_header_read_as_latin_1_is_decoded_as_utf_8() -> None:
    assert parse_header('"é 中"'.encode().decode("latin-1"), "Client Context") == "é 中"


def test_a_header_that_is_no_json_is_a_fault() -> None:
    with pytest.raises(RuntimeFault, match=r"^Unable to parse Cognito Identity JSON: Expecting value") as raised:
        parse_header("x", "Cognito Identity")

    assert raised.value.error_type == "Runtime.LambdaContextUnmarshalError"


def test_a_message_is_logged_unchanged() -> None:
    log = Log()
    root = logging.getLogger()
    before = root.handlers[:]
    install(Logs(log))
    try:
        context().log("no line break")
        context().log(5)
    finally:
        root.handlers[:] = before

    assert log.messages == ["no line break", "5"]


def test_without_the_runtimes_logging_handler_a_message_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context().log("no line break")

    assert capsys.readouterr().out == "no line break"


def test_logging_a_message_does_not_import_logging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "logging")

    context().log({"a": 1})

    assert capsys.readouterr().out == "{'a': 1}"
    assert "logging" not in sys.modules
