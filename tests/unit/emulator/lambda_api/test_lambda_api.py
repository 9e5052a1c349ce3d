import asyncio
import json
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.lambda_api.server import lambda_api
from lambda_streamify_emulator.sandboxes.event_queue import QueueFull
from scripted_pool import FUNCTION, Script, ScriptedPool, responding


def path(function: str) -> str:
    return f"/2021-11-15/functions/{function}/response-streaming-invocations"


KIND = "x-amz-invocation-type"
URL = "http://127.0.0.1:4001/"
A_AND_B = responding("text/plain", b"a", b"b")


def ask(exchange: Exchange, script: Script = A_AND_B) -> tuple[Exchange, ScriptedPool]:
    async def main() -> tuple[Exchange, ScriptedPool]:
        pool = ScriptedPool(script)
        await exchange.run(lambda_api({"hello": pool}, {"hello": URL}))
        for task in pool.tasks:
            await task
        return exchange, pool

    return run(main())


def events(exchange: Exchange) -> list[tuple[str, bytes]]:
    buffer: Any = EventStreamBuffer()
    buffer.add_data(b"".join(exchange.pieces))
    return [(event.headers[":event-type"], event.payload) for event in buffer]


@pytest.mark.parametrize(
    ("body", "event"), [([b'{"a": 1}'], b'{"a": 1}'), ([b'{"a"', b": 1}"], b'{"a": 1}'), ([b""], b"{}"), ([b"7"], b"7")]
)
def test_an_invocation_streams_its_response(body: list[bytes], event: bytes) -> None:
    exchange, pool = ask(Exchange(body, "POST", path("hello")))

    (invocation,) = pool.invocations
    assert invocation.event == event
    assert exchange.status == 200
    assert exchange.fields == [
        ("content-type", "application/vnd.amazon.eventstream"),
        ("x-amz-executed-version", "$LATEST"),
        ("x-amzn-requestid", invocation.request_id),
    ]
    assert events(exchange) == [("PayloadChunk", b"a"), ("PayloadChunk", b"b"), ("InvokeComplete", b"{}")]
    assert exchange.complete


def encoded(text: bytes) -> str:
    return b64encode(text).decode()


def test_the_callers_headers_are_passed_on() -> None:
    context = encoded('{"custom": {"name": "žluť"}}'.encode())
    headers = [("x-amz-client-context", context), ("x-amz-tenant-id", "blue")]

    _, pool = ask(Exchange([b"{}"], "POST", path("hello"), headers=headers))

    (invocation,) = pool.invocations
    assert (invocation.client_context, invocation.tenant_id) == ('{"custom": {"name": "žluť"}}', "blue")


def test_missing_headers_of_the_caller_are_none() -> None:
    _, pool = ask(Exchange([b"{}"], "POST", path("hello"), headers=[("x-amz-client-context", "")]))

    (invocation,) = pool.invocations
    assert (invocation.client_context, invocation.tenant_id) == (None, None)


@pytest.mark.parametrize("context", ["{}", *map(encoded, (b"[]", b"{", b"\xff", b"[" * 9999))])
def test_a_client_context_is_an_object_in_base64(context: str) -> None:
    exchange, pool = ask(Exchange([b"{}"], "POST", path("hello"), headers=[("x-amz-client-context", context)]))

    assert exchange.status == 400
    assert ("x-amzn-errortype", "InvalidRequestContentException") in exchange.fields
    assert pool.invocations == []


def test_an_error_before_the_response_is_its_payload_and_its_end() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.end(FunctionError("Function.A", b'{"errorMessage": "no"}'))

    exchange, _ = ask(Exchange(method="POST", path=path("hello")), fail)

    assert exchange.status == 200
    (chunk, (kind, complete)) = events(exchange)
    assert chunk == ("PayloadChunk", b'{"errorMessage": "no"}')
    assert kind == "InvokeComplete"
    assert json.loads(complete) == {"ErrorCode": "Function.A", "ErrorDetails": '{"errorMessage": "no"}'}


def test_an_error_within_the_response_is_its_end() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start("text/plain")
        channel.write(b"half")
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, _ = ask(Exchange(method="POST", path=path("hello")), fail)

    assert events(exchange)[0] == ("PayloadChunk", b"half")
    assert json.loads(events(exchange)[1][1]) == {"ErrorCode": "Function.A", "ErrorDetails": "{}"}


def test_a_client_that_leaves_holds_the_function_no_longer() -> None:
    async def main() -> None:
        pool = ScriptedPool(responding("text/plain", *[b"x" * 100_000] * 10))

        class Left(Exception):
            pass

        app = lambda_api({"hello": pool}, {"hello": URL})

        async def leave(message: Any) -> None:
            if message["type"] == "http.response.body":
                raise Left

        messages = [{"type": "http.request", "body": b"{}"}]

        async def receive() -> dict[str, Any]:
            if not messages:
                await asyncio.Event().wait()  # `leave` ends the test first
            return messages.pop()

        scope = {"type": "http", "method": "POST", "path": path("hello"), "headers": [], "query_string": b""}
        with pytest.raises(Left):
            await app(scope, receive, leave)
        await pool.tasks[0]
        assert not pool.invocations[0].channel.is_full

    run(main())


def test_data_after_a_disconnect_is_dropped() -> None:
    async def main() -> None:
        has_left = asyncio.Event()

        async def function(channel: ResponseChannel) -> None:
            channel.start("text/plain")
            channel.write(b"first")
            await has_left.wait()
            channel.write(b"x" * 10_000_000)
            assert not channel.is_full
            channel.end()

        pool = ScriptedPool(function)
        exchange = Exchange(method="POST", path=path("hello"))
        asking = asyncio.create_task(exchange.run(lambda_api({"hello": pool}, {"hello": URL})))
        await exchange.until(2)
        exchange.leave()
        for _ in range(10):
            await asyncio.sleep(0)  # lets the waiting task run
        has_left.set()
        await asking
        await pool.tasks[0]

        assert max(map(len, exchange.pieces)) < 1000

    run(main())


ARN = "arn:aws:lambda:us-east-1:123456789012:function"
REFUSED: list[tuple[Exchange, int, str, str]] = [
    (
        Exchange(method="POST", path=path("absent")),
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}:absent:$LATEST",
    ),
    (
        Exchange(method="POST", path="/2015-03-31/functions/absent%3Alive/invocations"),
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}:absent:live",
    ),
    (
        Exchange(path="/2015-03-31/functions/absent"),
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}:absent",
    ),
    (
        Exchange(path="/2015-03-31/functions/absent/configuration", query="Qualifier=%24LATEST"),
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}:absent:$LATEST",
    ),
    (
        Exchange(path="/2021-10-31/functions/absent/url"),
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    ),
    (
        Exchange(method="POST", path=path("hello:live"), query="Qualifier=7"),
        400,
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    ),
    (
        Exchange([b"no json"], "POST", path("hello")),
        400,
        "InvalidRequestContentException",
        "Could not parse request body into json: Expecting value: line 1 column 1 (char 0)",
    ),
    (
        Exchange([b" " * 6_291_457], "POST", path("hello")),
        413,
        "RequestTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    ),
    (
        Exchange(method="POST", path=path("hello"), headers=[("content-type", "text/plain; charset=utf-8")]),
        415,
        "UnsupportedMediaTypeException",
        "The content type 'text/plain' is not application/json",
    ),
    (
        Exchange(path="/_streamify/credentials"),
        403,
        "AccessDeniedException",
        "The credentials are only for clients on this machine",
    ),
    (
        Exchange(path="/2015-03-31/functions", query="Marker=absent"),
        400,
        "InvalidParameterValueException",
        "The marker 'absent' is not from ListFunctions",
    ),
    *(
        (
            Exchange(path="/2015-03-31/functions/", query=f"MaxItems={size}"),
            400,
            "InvalidParameterValueException",
            f"MaxItems: {size!r} is not a number from 1 to 10000",
        )
        for size in ("0", "10001", "-1", "all", "")
    ),
    (
        Exchange(method="GET", path=path("hello")),
        404,
        "ResourceNotFoundException",
        f"GET {path('hello')} is not a call that this emulator supports",
    ),
    (
        Exchange(method="POST", path="/2015-03-31/functions"),
        404,
        "ResourceNotFoundException",
        "POST /2015-03-31/functions is not a call that this emulator supports",
    ),
    (
        Exchange(method="POST", path="/2015-03-31/functions/hello/invocations", headers=[(KIND, "Later")]),
        400,
        "InvalidParameterValueException",
        "The invocation type 'Later' is not RequestResponse, Event or DryRun",
    ),
    (
        Exchange(method="POST", path=path("hello"), headers=[(KIND, "Event")]),
        400,
        "InvalidParameterValueException",
        "The invocation type 'Event' is not RequestResponse or DryRun",
    ),
]


@pytest.mark.parametrize(("exchange", "status", "error_type", "message"), REFUSED)
def test_what_cannot_be_invoked_is_refused_as_lambda_does_it(
    exchange: Exchange, status: int, error_type: str, message: str
) -> None:
    _, pool = ask(exchange)

    assert exchange.status == status
    assert dict(exchange.fields)["x-amzn-errortype"] == error_type
    # The field has the name of the error's member in botocore's model.
    name = "Message" if error_type in ("ResourceNotFoundException", "AccessDeniedException") else "message"
    assert json.loads(b"".join(exchange.pieces)) == {"Type": "User", name: message}
    assert re.fullmatch("[0-9a-f-]{36}", dict(exchange.fields)["x-amzn-requestid"])
    assert pool.invocations == []


@pytest.mark.parametrize("where", [path("a b"), "/2015-03-31/functions/a b/invocations", "/2015-03-31/functions/a b"])
def test_a_name_that_no_function_may_have_is_refused_as_lambda_does_it(where: str) -> None:
    exchange, pool = ask(Exchange(method="POST" if where.endswith("invocations") else "GET", path=where))

    assert exchange.status == 400
    assert dict(exchange.fields)["x-amzn-errortype"] == "ValidationException"
    (message,) = json.loads(b"".join(exchange.pieces)).items()
    assert message[0] == "message"
    assert message[1].startswith(
        "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: "
    )
    assert pool.invocations == []


def test_each_request_has_an_id_of_its_own() -> None:
    exchanges = [
        ask(Exchange(path=where))[0] for where in ("/2021-10-31/functions/hello/url", "/2015-03-31/functions") * 2
    ]

    ids = [[value for name, value in exchange.fields if name == "x-amzn-requestid"] for exchange in exchanges]
    assert [len(found) for found in ids] == [1, 1, 1, 1]
    assert len({found[0] for found in ids}) == 4


@pytest.mark.parametrize(
    ("name", "query", "qualifier"),
    [
        ("hello", "", None),
        ("hello:live", "", "live"),
        ("hello", "Qualifier=7", "7"),
        ("hello:7", "Qualifier=7", "7"),
        (f"{ARN}:hello:%24LATEST", "", "$LATEST"),
    ],
)
def test_the_function_learns_which_version_or_alias_was_asked_for(name: str, query: str, qualifier: str | None) -> None:
    for where in (path(name), f"/2015-03-31/functions/{name}/invocations"):
        exchange, pool = ask(Exchange(method="POST", path=where, query=query))

        assert exchange.status == 200
        assert [invocation.qualifier for invocation in pool.invocations] == [qualifier]


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000, b"{", b"nan"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    exchange, pool = ask(Exchange([body], "POST", path("hello")))

    assert exchange.status == 400
    assert pool.invocations == []


@pytest.mark.parametrize(
    "reference", ["hello%3Alive", "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ahello"]
)
def test_an_arn_may_be_percent_encoded(reference: str) -> None:
    exchange, _ = ask(Exchange(method="POST", path=path(reference)))

    assert exchange.status == 200


# --- Invoke ----------------------------------------------------------------------------------------------------------

INVOKE = "/2015-03-31/functions/hello/invocations"


def test_a_plain_invocation_is_answered_when_it_is_over() -> None:
    exchange, pool = ask(Exchange([b"7"], "POST", INVOKE))

    (invocation,) = pool.invocations
    assert (invocation.event, invocation.streamed) == (b"7", False)
    assert exchange.status == 200
    assert dict(exchange.fields)["x-amzn-requestid"] == invocation.request_id
    assert exchange.pieces == [b"ab"]


def test_an_error_is_the_payload_wherever_it_happens() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start("application/json")
        channel.write(b"half")
        channel.end(FunctionError("Function.A", b'{"errorMessage": "no"}'))

    exchange, _ = ask(Exchange(method="POST", path=INVOKE), fail)

    assert dict(exchange.fields)["x-amz-function-error"] == "Unhandled"
    assert exchange.pieces == [b'{"errorMessage": "no"}']


def test_an_asynchronous_invocation_is_answered_before_it_is_over_and_never_held() -> None:
    async def main() -> None:
        done = asyncio.Event()

        async def script(channel: ResponseChannel) -> None:
            await done.wait()
            channel.start("application/json")
            channel.write(b"x" * 200_000)
            channel.call_when_room(finished.set)
            channel.end()

        finished = asyncio.Event()
        pool = ScriptedPool(script)
        exchange = await Exchange(method="POST", path=INVOKE, headers=[(KIND, "Event")]).run(
            lambda_api({"hello": pool}, {})
        )
        assert (exchange.status, exchange.pieces) == (202, [b""])
        done.set()
        await finished.wait()

    run(main())


def test_one_asynchronous_event_too_many_is_refused() -> None:
    class FullPool(ScriptedPool):
        def enqueue(self, invocation: Invocation) -> None:
            raise QueueFull("9 asynchronous events wait; the limit is 10 bytes")

    async def main() -> None:
        pool = FullPool(A_AND_B)
        exchange = Exchange(method="POST", path=INVOKE, headers=[(KIND, "Event")])
        await exchange.run(lambda_api({"hello": pool}, {}))

        assert exchange.status == 429
        assert dict(exchange.fields)["x-amzn-errortype"] == "TooManyRequestsException"
        assert json.loads(b"".join(exchange.pieces)) == {
            "Type": "User",
            "message": "Rate Exceeded: 9 asynchronous events wait; the limit is 10 bytes",
            "Reason": "FunctionInvocationRateLimitExceeded",
        }

    run(main())


TAIL = ("x-amz-log-type", "Tail")


def logging_script(gate: asyncio.Event) -> Script:
    """A function that answers; its log is complete when the gate opens."""

    async def script(channel: ResponseChannel) -> None:
        channel.start("text/plain")
        channel.write(b"a")
        channel.end()
        await gate.wait()

    return script


@pytest.mark.parametrize("where", [INVOKE, path("hello")])
@pytest.mark.parametrize("asked", [[], [("x-amz-log-type", "None")], [TAIL]])
def test_the_end_of_the_log_comes_if_it_is_asked_for(where: str, asked: list[tuple[str, str]]) -> None:
    async def main() -> Exchange:
        gate = asyncio.Event()
        pool = ScriptedPool(logging_script(gate))
        exchange = Exchange(method="POST", path=where, headers=asked)
        answering = asyncio.create_task(exchange.run(lambda_api({"hello": pool}, {})))
        if TAIL in asked:
            while not pool.invocations or not pool.invocations[0].channel.ended:  # noqa: ASYNC110 - no event for this
                await asyncio.sleep(0)
            assert not answering.done()  # the log is not complete until the runtime asks for the next event
            pool.invocations[0].tail.add("hello")
            pool.invocations[0].tail.end()
        await answering
        gate.set()
        await pool.tasks[0]
        return exchange

    exchange = run(main())
    found = dict(exchange.fields).get("x-amz-log-result")
    if where != INVOKE:
        assert found is None
        found = json.loads(events(exchange)[-1][1]).get("LogResult")
    assert found == (encoded(b"hello\n") if TAIL in asked else None)


@pytest.mark.parametrize("where", [INVOKE, path("hello")])
def test_a_dry_run_runs_nothing(where: str) -> None:
    exchange, pool = ask(Exchange(method="POST", path=where, headers=[(KIND, "DryRun")]))

    assert (exchange.status, exchange.pieces, pool.invocations) == (204, [b""], [])
    assert [name for name, _ in exchange.fields] == ["x-amzn-requestid"]


KINDS = ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"]
# botocore's, the JavaScript SDK's (version 2), curl's
KINDS += ["application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize("where", [INVOKE, path("hello")])
@pytest.mark.parametrize("kind", KINDS)
def test_an_event_may_come_as_json_and_as_what_clients_make_of_it(where: str, kind: str) -> None:
    exchange, _ = ask(Exchange([b"{}"], "POST", where, headers=[("content-type", kind)]))

    assert exchange.status == 200


def listed(query: str, functions: int) -> tuple[list[str], str | None]:
    """Return the names on a page, and the marker of the next page."""
    names = [f"f{number}" for number in range(functions)]

    async def main() -> Exchange:
        pools = {name: ScriptedPool(A_AND_B, replace(FUNCTION, name=name)) for name in names}
        return await Exchange(path="/2015-03-31/functions/", query=query).run(lambda_api(pools, {}))

    page = json.loads(b"".join(run(main()).pieces))
    return [function["FunctionName"] for function in page["Functions"]], page.get("NextMarker")


def test_a_page_has_as_many_functions_as_are_asked_for_and_the_next_one_goes_on() -> None:
    assert listed("", 3) == (["f0", "f1", "f2"], None)
    first, marker = listed("MaxItems=2", 3)
    assert first == ["f0", "f1"]
    assert listed(f"MaxItems=2&Marker={marker}", 3) == (["f2"], None)
    assert listed("MaxItems=3", 3) == (["f0", "f1", "f2"], None)


def test_a_page_has_fifty_functions_at_most() -> None:
    first, marker = listed("MaxItems=10000", 51)

    assert len(first) == 50
    assert listed(f"Marker={marker}", 51) == (["f50"], None)


@pytest.mark.parametrize(("reserved", "found"), [(None, None), (0, 0), (7, 7)])
def test_a_functions_own_concurrency_is_told(reserved: int | None, found: int | None) -> None:
    async def main() -> Exchange:
        pool = ScriptedPool(A_AND_B, replace(FUNCTION, code=Path("/code"), reserved_concurrency=reserved))
        return await Exchange(path="/2015-03-31/functions/hello").run(lambda_api({"hello": pool}, {}))

    answer = json.loads(b"".join(run(main()).pieces))
    assert answer.get("Concurrency", {}).get("ReservedConcurrentExecutions") == found


def test_a_function_without_a_url_has_no_configuration_of_one() -> None:
    async def main() -> Exchange:
        app = lambda_api({"hello": ScriptedPool(A_AND_B)}, {})
        return await Exchange(path="/2021-10-31/functions/hello/url").run(app)

    assert run(main()).status == 404
