import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.http_apis.http_api import HttpApi
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.sandboxes.pool import Throttled
from lambda_streamify_emulator.template.apis import HTTP, Api, Route
from scripted_pool import Script, ScriptedPool, responding

NEW = Route("GET", "/items/{id}", "hello", is_streamed=False, timeout=30, payload_format="2.0")
OLD = Route("POST", "/old/{id}", "hello", is_streamed=False, timeout=30, payload_format="1.0")
API = Api("Mine", "$default", (NEW, OLD), kind=HTTP)
JSON = "application/json"


class Front:
    """An HTTP API in front of a scripted function."""

    def __init__(self, script: Script, api: Api = API, pool: ScriptedPool | None = None) -> None:
        self.warnings: list[tuple[str, str]] = []
        self.pool = pool or ScriptedPool(script)
        self.app = HttpApi(api, {"hello": self.pool}, lambda name, text: self.warnings.append((name, text)))


def ask(
    script: Script, path: str = "/items/a", api: Api = API, pool: ScriptedPool | None = None, **request: Any
) -> tuple[Exchange, Front]:
    async def main() -> tuple[Exchange, Front]:
        front = Front(script, api, pool)
        exchange = await Exchange(path=path, **request).run(front.app)
        for task in front.pool.tasks:
            task.cancel()
        return exchange, front

    return run(main())


def answering(value: Any) -> Script:
    return responding(JSON, json.dumps(value).encode())


def fields(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the headers without the ids and the length."""
    return [pair for pair in exchange.fields if pair[0] not in ("apigw-requestid", "content-length")]


def event(front: Front) -> Any:
    return json.loads(front.pool.invocations[0].event)


def test_the_function_gets_the_event_of_its_routes_format_and_its_whole_answer_is_sent() -> None:
    exchange, front = ask(answering({"statusCode": 201, "body": "x", "cookies": ["a=1"], "headers": {"x-mine": "1"}}))

    assert (exchange.status, b"".join(exchange.pieces)) == (201, b"x")
    assert fields(exchange) == [("x-mine", "1"), ("content-type", JSON), ("set-cookie", "a=1")]
    (invocation,) = front.pool.invocations
    assert not invocation.streamed
    assert ("apigw-requestid", invocation.request_id) in exchange.fields
    assert (event(front)["version"], event(front)["routeKey"]) == ("2.0", "GET /items/{id}")
    _, front = ask(answering({"statusCode": 200}), "/old/a", method="POST")
    assert (event(front)["version"], event(front)["resource"]) == ("1.0", "/old/{id}")


def test_format_2_infers_a_response_and_format_1_does_not() -> None:
    exchange, _ = ask(answering({"a": 1}))
    assert (exchange.status, b"".join(exchange.pieces)) == (200, b'{"a":1}')

    exchange, front = ask(answering({"a": 1}), "/old/a", method="POST")
    assert (exchange.status, b"".join(exchange.pieces)) == (500, b'{"message":"Internal Server Error"}')
    assert front.warnings[0][1].endswith("as API Gateway needs it; the client gets 500")


def test_format_1_has_headers_of_several_values_and_bodies_in_base64() -> None:
    value = {"statusCode": 200, "multiValueHeaders": {"x-many": ["a", "b"]}, "body": "/w==", "isBase64Encoded": True}
    exchange, _ = ask(answering(value), "/old/a", method="POST")

    assert b"".join(exchange.pieces) == b"\xff"
    assert fields(exchange) == [("x-many", "a"), ("x-many", "b")]


def test_a_function_that_streams_is_told() -> None:
    exchange, front = ask(responding(CONTENT_TYPE, b"{}" + bytes(8) + b"a"))

    assert exchange.status == 500
    (warning,) = front.warnings
    assert warning == (
        "hello",
        "the function streams, and HTTP APIs do not: set STREAMIFY_INVOKE_MODE=auto or buffered; the client gets 500",
    )


def test_a_function_that_fails_is_500() -> None:
    async def fails(channel: ResponseChannel) -> None:
        channel.start(JSON)
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, _ = ask(fails)

    assert (exchange.status, b"".join(exchange.pieces)) == (500, b'{"message":"Internal Server Error"}')


def test_an_integration_that_takes_too_long_is_503() -> None:
    async def hangs(_: ResponseChannel) -> None:
        await asyncio.Event().wait()

    exchange, front = ask(hangs, api=replace(API, routes=(replace(NEW, timeout=0.05),)))

    assert (exchange.status, b"".join(exchange.pieces)) == (503, b'{"message":"Service Unavailable"}')
    assert front.warnings == [
        ("hello", "the integration's 0.05 seconds are over (TimeoutInMillis); the client gets 503")
    ]


def test_a_function_over_its_limit_is_503() -> None:
    class Full(ScriptedPool):
        async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
            raise Throttled("no sandbox is free")

    exchange, front = ask(answering({}), pool=Full(answering({})))

    assert exchange.status == 503
    assert front.warnings[0][1].endswith("; the client gets 503")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/items/a"), ("GET", "/items"), ("GET", "/$default")]
)
def test_a_path_without_a_route_is_404(method: str, path: str) -> None:
    exchange, front = ask(answering({}), path, method=method)

    assert (exchange.status, b"".join(exchange.pieces)) == (404, b'{"message":"Not Found"}')
    assert front.pool.invocations == []


def test_a_request_that_is_too_large_is_413() -> None:
    exchange, front = ask(answering({}), "/old/a", method="POST", body=[b"x" * (7 * 1024 * 1024)])
    assert exchange.status == 413

    exchange, front = ask(answering({}), "/old/a", method="POST", body=[b"x" * (11 * 1024 * 1024)])
    assert exchange.status == 413
    assert front.pool.invocations == []


def test_the_api_answers_for_cors_and_the_functions_own_headers_are_ignored() -> None:
    api = replace(API, cors={"AllowOrigins": ["https://a"], "AllowMethods": ["*"], "MaxAge": "5", "ExposeHeaders": {}})
    asked = {"origin": "https://a", "access-control-request-method": "PUT"}
    exchange, front = ask(answering({}), "/anything", api, method="OPTIONS", headers=asked.items())

    assert exchange.status == 204
    assert front.pool.invocations == []
    assert fields(exchange) == [
        ("access-control-allow-origin", "https://a"),
        ("vary", "Origin"),
        ("access-control-allow-methods", "*"),
        ("access-control-max-age", "5"),
    ]
    value = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "x": "1"}}
    exchange, _ = ask(answering(value), api=api, headers=[("origin", "https://a")])
    assert fields(exchange) == [
        ("x", "1"),
        ("content-type", JSON),
        ("access-control-allow-origin", "https://a"),
        ("vary", "Origin"),
    ]
    exchange, _ = ask(answering(value))
    assert ("access-control-allow-origin", "*") in fields(exchange)
