"""The request events in events/, as Powertools reads them."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    ALBEvent,
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    LambdaFunctionUrlEvent,
    SQSEvent,
)
from aws_lambda_powertools.utilities.data_classes.api_gateway_websocket_event import APIGatewayWebSocketEvent

from request_events import event


@pytest.mark.parametrize(
    ("name", "kind", "method", "path"),
    [
        ("function-url", LambdaFunctionUrlEvent, "GET", "/"),
        ("function-url-body", LambdaFunctionUrlEvent, "POST", "/chat"),
        ("function-url-cookies", LambdaFunctionUrlEvent, "GET", "/caf%C3%A9"),
        ("function-url-iam", LambdaFunctionUrlEvent, "GET", "/report"),
        ("rest-api", APIGatewayProxyEvent, "GET", "/words/one"),
        ("http-api", APIGatewayProxyEventV2, "GET", "/words/one"),
        ("http-api-v1", APIGatewayProxyEvent, "GET", "/words/one"),
        ("alb", ALBEvent, "GET", "/words/one"),
    ],
)
def test_an_http_request_has_its_method_its_path_and_its_headers(name: str, kind: Any, method: str, path: str) -> None:
    request = kind(event(name))

    assert (request.http_method, request.path) == (method, path)
    assert request.headers["user-agent"]
    assert request.is_base64_encoded is False


def test_a_posted_body_is_json() -> None:
    assert LambdaFunctionUrlEvent(event("function-url-body")).json_body == {"prompt": "Grüße", "words": 3}


def test_a_signed_request_names_the_signer() -> None:
    authorizer = LambdaFunctionUrlEvent(event("function-url-iam")).request_context.authorizer

    assert authorizer is not None
    assert authorizer.iam is not None
    assert authorizer.iam.user_arn == "arn:aws:iam::123456789012:user/example"


def test_a_rest_apis_context_is_whole() -> None:
    context = APIGatewayProxyEvent(event("rest-api")).request_context

    assert (context.account_id, context.stage, context.resource_path) == ("123456789012", "prod", "/{proxy+}")
    assert context.identity.source_ip == "203.0.113.9"


def test_a_message_of_a_websocket_is_one() -> None:
    message = APIGatewayWebSocketEvent(event("websocket"))

    assert message.request_context.connection_id
    assert message.json_body == {"action": "words"}


def test_a_message_of_a_queue_is_one() -> None:
    [record] = SQSEvent(event("sqs")).records

    assert record.json_body == {"word": "one"}
    assert record.queue_url == "https://sqs.us-east-1.amazonaws.com/123456789012/words"
