import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.rest_apis.rest_api import RestApi
from lambda_streamify_emulator.sandboxes.pool import Throttled
from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.web.asgi import LEFT_EARLY, App, Message, Receive, Scope, Send
from scripted_pool import Script, ScriptedPool, failing, gated, read_gated, responding

STREAMED = Route("GET", "/stream", "hello", is_streamed=True, timeout=60)
WHOLE = Route("ANY", "/whole/{id}", "hello", is_streamed=False)
API = Api("Mine", "live", (STREAMED, WHOLE))
HEAD = b'{"statusCode": 201, "headers": {"Content-Type": "text/plain"}}' + bytes(8)


class Timers:
    """Replaces the event loop's timers: they fire when the test says so."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], object], Any]] = []

    def later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        class Handle:
            cancelled = False

            def cancel(self) -> None:
                self.cancelled = True

        self.set.append((seconds, callback, Handle()))
        return cast("asyncio.TimerHandle", self.set[-1][2])

    def running(self) -> list[float]:
        return [seconds for seconds, _, handle in self.set if not handle.cancelled]

    def fire(self, seconds: float) -> None:
        """Fire the last timer with this delay in seconds."""
        _, callback, _ = [timer for timer in self.set if timer[0] == seconds and not timer[2].cancelled][-1]
        callback()


class Front:
    """A REST API in front of a scripted function."""

    def __init__(self, script: Script, api: Api = API, pool: ScriptedPool | None = None) -> None:
        self.warnings: list[tuple[str, str]] = []
        self.timers = Timers()
        self.pool = pool or ScriptedPool(script)
        warn = lambda name, text: self.warnings.append((name, text))  # noqa: E731
        self.app = RestApi(api, {"hello": self.pool}, warn, self.timers.later)

    async def ask(self, exchange: Exchange) -> Exchange:
        await exchange.run(self.app)
        for task in self.pool.tasks:
            await task
        return exchange


def ask(script: Script, path: str = "/live/stream", api: Api = API, **request: Any) -> tuple[Exchange, Front]:
    async def main() -> tuple[Exchange, Front]:
        front = Front(script, api)
        return await front.ask(Exchange(path=path, **request)), front

    return run(main())


def fields(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the headers without those of every response."""
    return [pair for pair in exchange.fields if not pair[0].startswith("x-amzn-")]


# --- streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_has_the_status_and_headers_of_its_metadata_and_pieces_as_they_are() -> None:
    exchange, front = ask(responding(CONTENT_TYPE, HEAD + b"a", b"b"))

    assert exchange.status == 201
    (invocation,) = front.pool.invocations
    assert exchange.fields == [
        ("x-amzn-requestid", invocation.request_id),
        ("x-amzn-trace-id", invocation.trace_id.partition(";")[0]),
        ("content-type", "text/plain"),
    ]
    assert exchange.pieces == [b"a", b"b", b""]
    assert exchange.complete
    assert front.warnings == []
    assert invocation.streamed
    assert front.timers.running() == []


def test_the_event_is_that_of_the_request() -> None:
    _, front = ask(responding(CONTENT_TYPE, HEAD), "/live/whole/a%2Fb", method="PUT", query="c=d", body=[b"x", b"y"])

    event = json.loads(front.pool.invocations[0].event)
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/whole/{id}", "/whole/a%2Fb", "PUT")
    assert (event["pathParameters"], event["queryStringParameters"]) == ({"id": "a%2Fb"}, {"c": "d"})
    assert event["body"] == "xy"
    assert event["requestContext"]["requestId"] == front.pool.invocations[0].request_id


def test_metadata_has_lists_of_headers_and_cookies() -> None:
    metadata = {
        "headers": {"X-One": "1", "X-Both": "same"},
        "multiValueHeaders": {"x-many": ["a", "b"], "X-Both": ["same", "other"], "Set-Cookie": ["c=3"]},
        "cookies": ["a=1", "b=2"],
    }
    exchange, _ = ask(responding(CONTENT_TYPE, json.dumps(metadata).encode() + bytes(8)))

    assert fields(exchange) == [
        ("x-many", "a"),
        ("x-many", "b"),
        ("x-both", "same"),
        ("x-both", "other"),
        ("set-cookie", "c=3"),
        ("x-one", "1"),
        ("content-type", "application/json"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_a_header_that_api_gateway_has_renamed_before_passes() -> None:
    metadata = b'{"headers": {"x-amzn-Remapped-date": "d", "Connection": "close", "content-type": "a/b"}}' + bytes(8)

    exchange, front = ask(responding(CONTENT_TYPE, metadata))

    assert exchange.fields[2:] == [
        ("x-amzn-remapped-connection", "close"),
        ("content-type", "a/b"),
        ("x-amzn-remapped-date", "d"),
    ]
    assert front.warnings == []


def test_the_format_counts_not_the_content_type_that_the_runtime_gives_it() -> None:
    exchange, _ = ask(responding("application/octet-stream", HEAD + b"a"))

    assert (exchange.status, exchange.pieces) == (201, [b"a", b""])


def test_a_plain_value_behind_a_streaming_route_is_told_what_it_needs() -> None:
    exchange, front = ask(responding("application/json", b'{"statusCode": 200}'))

    assert exchange.status == 502
    ((_, warning),) = front.warnings
    assert warning == (
        "the response ends after 19 bytes, before its prelude does: a plain value needs "
        "STREAMIFY_INVOKE_MODE=response_stream behind a streaming route; the client gets 502"
    )


def test_a_piece_is_sent_before_the_next_one_exists() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        front, exchange = Front(gated(CONTENT_TYPE, HEAD, gate, 3)), Exchange(path="/live/stream")
        await read_gated(exchange, asyncio.create_task(front.ask(exchange)), gate, 3)

    run(main())


def reading_after(gate: asyncio.Event, app: App) -> App:
    """Wrap an application; its client reads nothing of the body before the gate is open."""

    async def gated_app(scope: Scope, receive: Receive, send: Send) -> None:
        async def held(message: Message) -> None:
            if message["type"] == "http.response.body":
                await gate.wait()
            await send(message)

        await app(scope, receive, held)

    return gated_app


@pytest.mark.parametrize("watched", [True, False])
def test_a_client_that_does_not_read_holds_no_function_and_gets_everything_later(*, watched: bool) -> None:
    async def main() -> None:
        chunk = bytes(range(256)) * 256

        async def function(channel: ResponseChannel) -> None:
            channel.start(CONTENT_TYPE)
            channel.write(HEAD)
            for _ in range(100):
                channel.write(chunk)
                assert not channel.is_full
            channel.end()

        front, exchange, gate = Front(function), Exchange(path="/live/stream"), asyncio.Event()
        front.pool.is_watched = watched
        answering = asyncio.create_task(exchange.run(reading_after(gate, front.app)))
        while not front.pool.tasks:  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0)
        await front.pool.tasks[0]
        gate.set()
        await answering

        assert b"".join(exchange.pieces) == chunk * 100
        assert exchange.complete

    run(main())


def test_the_integrations_time_ends_with_the_function_and_not_with_a_slow_client() -> None:
    async def main() -> None:
        front, exchange, gate = (
            Front(responding(CONTENT_TYPE, HEAD, b"a")),
            Exchange(path="/live/stream"),
            asyncio.Event(),
        )
        answering = asyncio.create_task(exchange.run(reading_after(gate, front.app)))
        while not front.pool.tasks:  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0)
        await front.pool.tasks[0]
        front.timers.fire(60)
        gate.set()
        await answering

        assert (exchange.status, b"".join(exchange.pieces)) == (201, b"a")
        assert exchange.complete
        assert front.warnings == []

    run(main())


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_gets_none(status: int) -> None:
    exchange, _ = ask(responding(CONTENT_TYPE, b'{"statusCode": %d}' % status + bytes(8) + b"a", b"b"))

    assert exchange.status == status
    assert b"".join(exchange.pieces) == b""


BROKEN: list[tuple[list[bytes], str]] = [
    ([b"no json" + bytes(8)], "the prelude is not JSON: Expecting value: line 1 column 1 (char 0)"),
    ([b'{"statusCode": 200}'], "the response ends after 19 bytes, before its prelude does"),
    ([b"x" * 20_000], "no end of the prelude within its first 16384 bytes"),
    ([b'{"multiValueHeaders": {"a": "b"}}' + bytes(8)], "the response's multiValueHeaders must be an object of lists"),
]


@pytest.mark.parametrize(("pieces", "message"), BROKEN)
def test_broken_metadata_is_502_and_told_to_the_functions_author(pieces: list[bytes], message: str) -> None:
    exchange, front = ask(responding(CONTENT_TYPE, *pieces))

    assert exchange.status == 502
    assert ("x-amzn-errortype", "InternalServerErrorException") in exchange.fields
    assert exchange.pieces == [b'{"message": "Internal server error"}']
    assert front.warnings == [("hello", f"{message}; the client gets 502")]


def test_a_function_that_fails_before_its_response_is_502() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.end(FunctionError("Function.A", b"{}"))

    async def fail_within_metadata(channel: ResponseChannel) -> None:
        channel.start(CONTENT_TYPE)
        channel.write(b"{")
        channel.end(FunctionError("Function.A", b"{}"))

    for script in (fail, fail_within_metadata):
        exchange, front = ask(script)
        assert (exchange.status, front.warnings) == (502, [])


def test_a_function_that_fails_within_its_response_cuts_it() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start(CONTENT_TYPE)
        channel.write(HEAD + b"half")
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, front = ask(fail)

    assert (exchange.status, exchange.pieces) == (201, [b"half"])
    assert not exchange.complete
    assert front.warnings == [("hello", "Function.A after the response began: the response is cut")]


# --- time ------------------------------------------------------------------------------------------------------------


async def never_ending(channel: ResponseChannel) -> None:
    channel.start(CONTENT_TYPE)
    channel.write(HEAD + b"first")
    channel.write(b"second")


async def silent(_: ResponseChannel) -> None:
    pass


@pytest.mark.parametrize(
    ("endpoint", "timer", "reason"),
    [
        ("EDGE", 60, "the integration's 60 seconds are over (TimeoutInMillis)"),
        ("EDGE", 30, "nothing has come for 30 seconds, API Gateway's limit for this kind of endpoint"),
        ("REGIONAL", 300, "nothing has come for 300 seconds, API Gateway's limit for this kind of endpoint"),
    ],
)
def test_a_stream_is_cut_when_its_time_is_over(endpoint: str, timer: int, reason: str) -> None:
    async def main() -> None:
        front, exchange = Front(never_ending, replace(API, endpoint=endpoint)), Exchange(path="/live/stream")
        answering = asyncio.create_task(front.ask(exchange))
        await exchange.until(messages=3)
        await asyncio.sleep(0)
        assert sorted(front.timers.running()) == sorted({60, 30 if endpoint == "EDGE" else 300})
        front.timers.fire(timer)
        await answering

        assert (exchange.status, exchange.pieces) == (201, [b"first", b"second"])
        assert not exchange.complete
        assert front.warnings == [("hello", f"{reason}: the response is cut")]
        assert front.timers.running() == []

    run(main())


@pytest.mark.parametrize(("path", "timer"), [("/live/stream", 60), ("/live/whole/1", 29)])
def test_a_response_that_has_not_begun_in_time_is_504(path: str, timer: int) -> None:
    async def main() -> None:
        front, exchange = Front(silent), Exchange(path=path)
        answering = asyncio.create_task(front.ask(exchange))
        while not front.timers.set:  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0)
        front.timers.fire(timer)
        await answering

        assert (exchange.status, exchange.pieces) == (504, [b'{"message": "Endpoint request timed out"}'])
        reason = f"the integration's {timer} seconds are over (TimeoutInMillis) before the response began"
        assert front.warnings == [("hello", f"{reason}; the client gets 504")]

    run(main())


def test_stopping_the_server_ends_the_response() -> None:
    async def main() -> None:
        front, exchange = Front(never_ending), Exchange(path="/live/stream")
        answering = asyncio.create_task(front.ask(exchange))
        await exchange.until(messages=3)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert front.warnings == []
        assert front.timers.running() == []

    run(main())


# --- whole responses -------------------------------------------------------------------------------------------------


def whole(value: object, **request: Any) -> tuple[Exchange, Front]:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ask(responding("application/json", payload[:3], payload[3:]), "/live/whole/1", **request)


def test_a_whole_response_is_read_as_a_proxy_response() -> None:
    exchange, front = whole({"statusCode": "201", "headers": {"A": "b"}, "body": "hällo"})

    assert not front.pool.invocations[0].streamed
    assert exchange.status == 201
    assert fields(exchange) == [("a", "b"), ("content-type", "application/json"), ("content-length", "6")]
    assert exchange.pieces == ["hällo".encode()]


def test_a_client_that_reads_a_whole_response_slowly_does_not_use_up_the_integrations_time() -> None:
    async def main() -> None:
        front, exchange = Front(responding("application/json", b'{"body": "x"}')), Exchange(path="/whole/1")
        running: list[list[float]] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def sent(message: Message) -> None:
                running.append(front.timers.running())
                await send(message)

            await front.app(scope, receive, sent)

        await exchange.run(app)
        assert (exchange.status, running) == (200, [[], []])

    run(main())


def test_a_response_of_nothing_is_an_empty_200() -> None:
    exchange, _ = whole({})

    assert (exchange.status, exchange.pieces) == (200, [b""])


MALFORMED: list[tuple[object, str]] = [
    (b"hello", "the response is not JSON, which API Gateway needs: "),
    ("hello", "the response must be an object with no fields but "),
    ({"statusCode": 200, "cookies": []}, "the response must be an object with no fields but body, headers, "),
    ({"statusCode": 200, "body": {"a": 1}}, "the response's body is not text, as API Gateway needs it"),
    ({"statusCode": "many"}, "the response's statusCode is 'many', "),
    ({"statusCode": "2" + "0" * 5000}, "the response's statusCode is '200000000000...0000000000000', "),
    (b'{"statusCode": 2' + b"0" * 3000 + b"}", "the response's statusCode is 20000000000"),
    (b'{"statusCode": 2' + b"0" * 5000 + b"}", "the response"),
]


@pytest.mark.parametrize(("value", "message"), MALFORMED)
def test_a_malformed_response_is_502(value: object, message: str) -> None:
    exchange, front = whole(value)

    assert (exchange.status, exchange.pieces) == (502, [b'{"message": "Internal server error"}'])
    ((_, warning),) = front.warnings
    assert warning.startswith(message)
    assert len(warning) < 300


def test_values_of_both_maps_of_headers_are_kept_and_those_of_the_lists_come_first() -> None:
    # As seen on AWS, in 2019 (pull request 1166 of aws-sam-cli).
    exchange, _ = whole(
        {
            "headers": {"X-Foo": "bar", "Content-Type": "text/html"},
            "multiValueHeaders": {"Content-Type": ["application/json"], "X-Foo": ["foo"]},
        }
    )

    assert [value for name, value in exchange.fields if name == "x-foo"] == ["foo", "bar"]
    assert [value for name, value in exchange.fields if name == "content-type"] == ["application/json", "text/html"]


def test_a_function_that_streams_behind_a_whole_route_is_told_what_to_change() -> None:
    exchange, front = ask(responding(CONTENT_TYPE, HEAD), "/live/whole/1")

    assert exchange.status == 502
    assert "set its ResponseTransferMode to RESPONSE_STREAM, or STREAMIFY_INVOKE_MODE=buffered" in front.warnings[0][1]


def test_base64_is_decoded_only_for_a_client_that_accepts_a_binary_type() -> None:
    payload = {"body": "//8=", "isBase64Encoded": True}
    binary = replace(API, binary_types=("image/png",))

    for accept, body in (("image/png, text/html", b"\xff\xff"), ("text/html, image/png", b"//8=")):
        exchange, _ = whole(payload, api=binary, headers=[("accept", accept)])
        assert exchange.pieces == [body]


def test_a_kind_of_binary_types_is_accepted_by_any_of_its_types() -> None:
    payload = {"body": "//8=", "isBase64Encoded": True}

    for types, body in ((("application/*",), b"\xff\xff"), (("*/whatever",), b"//8=")):
        exchange, _ = whole(payload, api=replace(API, binary_types=types), headers=[("accept", "application/whatever")])
        assert exchange.pieces == [body]


@pytest.mark.parametrize("body", ["!", "abc", "ä"])
def test_base64_that_cannot_be_read_is_500(body: str) -> None:
    binary = replace(API, binary_types=("image/png",))

    exchange, front = whole({"body": body, "isBase64Encoded": True}, api=binary, headers=[("accept", "image/png")])

    assert (exchange.status, exchange.pieces) == (500, [b'{"message": "Internal server error"}'])
    ((_, warning),) = front.warnings
    assert warning.startswith("isBase64Encoded is set, but the body is not base64: ")
    assert warning.endswith("; the client gets 500")


# --- clients that disconnect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/live/stream", "/live/whole/1"])
@pytest.mark.parametrize("error", [None, FunctionError("Function.A", b"{}")])
def test_a_disconnect_before_the_response_is_reported(path: str, error: FunctionError | None) -> None:
    async def main() -> None:
        may_end = asyncio.Event()

        async def script(channel: ResponseChannel) -> None:
            await may_end.wait()
            if error is None:
                channel.start(CONTENT_TYPE)
                channel.write(HEAD + b"a")
            channel.end(error)

        front, exchange = Front(script), Exchange(path=path, stays=True)
        answering = asyncio.create_task(exchange.run(front.app))
        while not front.timers.set:  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0)
        exchange.leave()
        await answering

        assert exchange.sent == []
        assert front.warnings == [("hello", LEFT_EARLY)]
        assert front.timers.running() == []
        may_end.set()
        await front.pool.tasks[0]
        assert front.pool.invocations[0].channel.ended

    run(main())


def test_a_disconnect_within_the_response_is_not_reported() -> None:
    async def main() -> None:
        may_fail = asyncio.Event()
        front, exchange = Front(failing(CONTENT_TYPE, HEAD + b"a", may_fail)), Exchange(path="/live/stream")
        answering = asyncio.create_task(exchange.run(front.app))
        await exchange.until(messages=2)
        exchange.leave()
        await answering
        may_fail.set()
        await front.pool.tasks[0]

        assert front.warnings == []

    run(main())


# --- requests that do not reach the function -------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/live/other"), ("POST", "/live/stream"), ("GET", "/")])
def test_a_route_that_is_not_there_is_403_in_api_gateways_words(method: str, path: str) -> None:
    exchange, front = ask(responding(CONTENT_TYPE, HEAD), path, method=method)

    assert exchange.status == 403
    assert ("x-amzn-errortype", "MissingAuthenticationTokenException") in exchange.fields
    assert exchange.pieces == [b'{"message":"Missing Authentication Token"}']
    assert front.pool.invocations == []


def test_a_preflight_request_is_answered_by_the_api_itself() -> None:
    preflight = Route("OPTIONS", "/stream", "hello", is_streamed=False, preflight=(("access-control-max-age", "60"),))
    api = replace(API, routes=(*API.routes, preflight))

    exchange, front = ask(responding(CONTENT_TYPE, HEAD), method="OPTIONS", api=api)

    assert (exchange.status, exchange.pieces) == (200, [b"{}\n"])
    assert fields(exchange)[:2] == [("access-control-max-age", "60"), ("content-type", "application/json")]
    assert front.pool.invocations == []


@pytest.mark.parametrize("size", [6_291_457, 10_485_761])
def test_a_request_that_is_too_large_is_413(size: int) -> None:
    exchange, front = ask(responding(CONTENT_TYPE, HEAD), "/whole/1", method="POST", body=[b"x" * size])

    assert exchange.status == 413
    assert json.loads(exchange.pieces[0]) == {"message": "Request Too Long"}
    assert front.pool.invocations == []


def test_a_request_that_no_sandbox_is_left_for_is_500() -> None:
    class FullPool(ScriptedPool):
        async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
            raise Throttled("ConcurrentInvocationLimitExceeded")

    async def main() -> None:
        front = Front(silent, pool=FullPool(silent))
        exchange = await front.ask(Exchange(path="/stream"))
        assert (exchange.status, exchange.pieces) == (500, [b'{"message": "Internal server error"}'])
        assert front.warnings == [("hello", "ConcurrentInvocationLimitExceeded; the client gets 500")]

    run(main())
