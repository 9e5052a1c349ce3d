import asyncio
import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from asgi_scope import check_scope
from http_events import rest_event, url_event
from invoking import HTTP_API, LOAD_BALANCER, REST_API, invoke, invoke_at, invoke_scripted
from lambda_streamify import asgi
from lambda_streamify._core import current
from lambda_streamify.errors import HandlerError
from lambda_streamify.testing import call
from lockstep import Lockstep
from scripted_api import ACCEPTED, Peer, ScriptedApi, answers, invocation, reply
from sent import Sent, parse

Loop = Callable[[], asyncio.AbstractEventLoop]
START = {"type": "http.response.start", "status": 200, "headers": []}


class Broken(Exception):
    pass


@pytest.fixture(autouse=True)
def _nothing_is_left_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "startup", [])
    monkeypatch.setattr(current, "shutdown", [])


def body(data: Any = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def app_that_sends(*messages: dict[str, Any]) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def handler(app: Any, **options: Any) -> Any:
    return asgi.handler(app, lifespan="off", **options)


def answer(loop: Loop, *messages: dict[str, Any], event: Any = None) -> Sent:
    return invoke(handler(app_that_sends(*messages)), event or url_event(), loop=loop).sent


# --- scope -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        url_event("/a%2Fb/%C3%A9?x=1&x=2", headers={"cookie": "a=1"}),
        url_event(method="POST", body=b"\xff"),
        rest_event("/x%20y", multiValueHeaders={"X-Two": ["1", "2"], "Cookie": ["a=1", "b=2"]}),
        {**HTTP_API, "rawPath": "/é", "requestContext": {"domainName": "x.org", "http": {"method": "GET"}}},
        LOAD_BALANCER,
        REST_API,
    ],
)
def test_the_scope_keeps_every_rule_of_the_specification(event: Any) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        check_scope(scope)
        seen.append(await receive())
        await app_that_sends(START, body())(scope, receive, send)

    call(handler(app), event)

    assert [(message["type"], type(message["body"]), message["more_body"]) for message in seen] == [
        ("http.request", bytes, False)
    ]


def scope_of(event: Any, **options: Any) -> Any:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await app_that_sends(START, body())(scope, receive, send)

    call(handler(app, **options), event, "the context")
    return seen[0]


def test_the_scope_describes_the_clients_request() -> None:
    event = url_event("/a%2Fb?x=1&x=2", method="PUT", headers={"x-name": "value"}, body=b"data")
    scope = scope_of(event)

    assert (scope["method"], scope["path"], scope["raw_path"]) == ("PUT", "/a/b", b"/a%2Fb")
    assert (scope["query_string"], scope["scheme"]) == (b"x=1&x=2", "https")
    assert (b"x-name", b"value") in scope["headers"]
    assert (scope["aws.event"], scope["aws.context"]) == (event, "the context")


def test_a_stage_is_the_root_path_and_part_of_the_path() -> None:
    scope = scope_of(rest_event("/x", stage="prod"))

    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/prod", "/prod/x", b"/prod/x")


@pytest.mark.parametrize(("base_path", "path"), [("/v1", "/v1/x"), ("", "/x")])
def test_a_base_path_replaces_the_stage_as_the_root_path(base_path: str, path: str) -> None:
    scope = scope_of(rest_event("/x", stage="prod"), base_path=base_path)

    assert (scope["root_path"], scope["path"]) == (base_path, path)


@pytest.mark.parametrize("event", [{"Records": []}, None, {"requestContext": {"connectionId": "1"}}])
def test_an_event_that_is_not_a_request_never_reaches_the_app(event: Any, loop: Loop) -> None:
    outcome = invoke(handler(app_that_sends()), event, loop=loop)

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "HandlerError"


# --- receive ---------------------------------------------------------------------------------------------------------


def test_the_body_comes_once_and_the_end_when_the_response_is_complete(loop: Loop) -> None:
    received: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())
        waiting = asyncio.create_task(receive())
        await send(START)
        await send(body(b"one", more=True))
        await asyncio.sleep(0)
        assert not waiting.done()
        await send(body(b"two"))
        received.append(await waiting)
        received.append(await receive())

    sent = invoke(handler(app), url_event(method="POST", body=b"\xffdata"), loop=loop).sent

    assert sent.chunks[1:] == [b"one", b"two"]
    assert received == [
        {"type": "http.request", "body": b"\xffdata", "more_body": False},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]


def test_a_body_cannot_be_received_after_the_response(loop: Loop) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body())
        assert await receive() == {"type": "http.disconnect"}

    assert invoke(handler(app), url_event(), loop=loop).log.errors == []


def test_a_task_that_waits_in_receive_gets_a_disconnect_at_the_end(loop: Loop) -> None:
    received: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            await receive()
            received.append(await receive())

        tasks.append(asyncio.create_task(listen()))
        await asyncio.sleep(0)
        await send(START)
        raise Broken

    tasks: list[asyncio.Task[None]] = []
    invoke(handler(app), url_event(), loop=loop)
    loop().run_until_complete(tasks[0])

    assert received == [{"type": "http.disconnect"}]


# --- send ------------------------------------------------------------------------------------------------------------


def test_status_headers_and_cookies_are_sent_with_the_first_part_of_the_body(loop: Loop) -> None:
    def script(peer: Peer) -> None:
        start = peer.read_until(b"first\r\n")
        assert b'"statusCode":201' in start
        seen.append("first")
        peer.read_chunked_body()
        peer.send(ACCEPTED)

    seen: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({**START, "status": 201})
        await send(body(b"first", more=True))
        while not seen:
            pass
        await send(body(b"second"))

    invoke_scripted(handler(app), url_event(), script, loop=loop)


def test_the_response_start_alone_sends_nothing(loop: Loop) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        raise Broken("before the body")

    outcome = invoke(handler(app), url_event(), loop=loop)

    assert outcome.path == "error"
    assert outcome.sent.json["errorMessage"] == "before the body"


def test_an_empty_first_part_sends_the_headers(loop: Loop) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(body(more=True))
        raise Broken("after the headers")

    sent = invoke(handler(app), url_event(), loop=loop).sent

    assert sent.prelude["statusCode"] == 200
    assert sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"


def test_each_chunk_is_sent_before_send_returns(loop: Loop) -> None:
    client = Lockstep(b"one", b"two", b"three")

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        for chunk in (b"one", b"two", b"three"):
            await send(body(chunk, more=True))
            client.wait()  # on the thread of the loop: no other task can run
        await send(body())

    invoke_scripted(handler(app), url_event(), client.script, loop=loop)
    assert client.ended


def test_the_client_sees_the_end_before_the_app_returns(loop: Loop) -> None:
    client = Lockstep(b"all")
    seen: list[bool] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"all"))
        seen.append(client.ended)  # the Runtime API answers after it has read the end

    invoke_scripted(handler(app), url_event(), client.script, loop=loop)
    assert seen == [True]


def test_background_work_ends_before_the_next_invocation(loop: Loop) -> None:
    steps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        steps.append(f"{scope['path']} begins")
        await app_that_sends(START, body())(scope, receive, send)
        await asyncio.sleep(0)
        steps.append(f"{scope['path']} ends")

    made = handler(app)
    with ScriptedApi(
        answers(invocation(url_event("/1")), ACCEPTED), answers(invocation(url_event("/2")), ACCEPTED)
    ) as api:
        invoke_at(api, made, loop=loop)
        invoke_at(api, made, loop=loop)

    assert steps == ["/1 begins", "/1 ends", "/2 begins", "/2 ends"]


SIZE = 4_000_000  # bytes, more than a socket takes in one send


def test_chunks_that_several_tasks_send_stay_whole_and_the_end_comes_last(loop: Loop) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        chunks = [bytes([65 + number]) * SIZE for number in range(4)]
        sending = [asyncio.create_task(send(body(chunk, more=True))) for chunk in chunks]
        sending.append(asyncio.create_task(send(body())))
        await asyncio.gather(*sending)

    def script(peer: Peer) -> None:
        read.append(peer.read_request())
        peer.send(ACCEPTED)

    read: list[bytes] = []
    invoke_scripted(handler(app), url_event(), script, loop=loop)

    assert parse(read[0]).chunks[1:] == [letter * SIZE for letter in (b"A", b"B", b"C", b"D")]


HEADERS = [
    (b"Content-Type", b"text/html"),
    (b"set-cookie", b"a=1; Path=/"),
    (b"link", b"<a>"),
    (b"Set-Cookie", b"b=2"),
    (b"link", b"<b>"),
    (b"content-length", b"3"),
    (b"x-name", b"\xe9"),
]


def test_cookies_stay_separate_and_repeated_headers_keep_all_values(loop: Loop) -> None:
    sent = answer(loop, {**START, "headers": HEADERS}, body(b"abc"))

    assert sent.prelude == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/html", "x-name": "é", "link": "<a>, <b>"},
        "cookies": ["a=1; Path=/", "b=2"],
    }


def test_a_rest_api_gets_repeated_headers(loop: Loop) -> None:
    sent = answer(loop, {**START, "headers": HEADERS}, body(b"abc"), event=REST_API)

    assert sent.prelude["multiValueHeaders"] == {"link": ["<a>", "<b>"]}
    assert sent.prelude["cookies"] == ["a=1; Path=/", "b=2"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body_is_a_status_and_headers(status: int, loop: Loop) -> None:
    sent = answer(loop, {**START, "status": status}, body(b"never"))

    assert sent.prelude["statusCode"] == status
    assert sent.content == b""


def test_a_response_to_head_is_sent_without_its_body(loop: Loop) -> None:
    sent = answer(loop, START, body(b"one", more=True), body(b"two", more=True), body(), event=url_event(method="HEAD"))

    assert sent.prelude["statusCode"] == 200
    assert sent.content == b""


def test_callers_that_get_no_stream_get_the_response_in_one_piece(loop: Loop) -> None:
    event = {**HTTP_API, "requestContext": {**HTTP_API["requestContext"], "http": {"method": "GET"}}}
    whole = answer(loop, {**START, "headers": HEADERS}, body(b"one", more=True), body(b"two"), event=event).json

    assert (whole["statusCode"], whole["body"]) == (200, "onetwo")
    assert whole["cookies"] == ["a=1; Path=/", "b=2"]


def test_what_wraps_the_handler_sees_status_and_headers(loop: Loop) -> None:
    returned: list[Any] = []
    made = handler(app_that_sends({**START, "headers": [(b"x", b"y")]}, body(b"all")))

    def outer(event: Any, context: Any) -> Any:
        returned.append(made(event, context))
        return returned[0]

    invoke(outer, url_event(), loop=loop)
    assert returned == [{"statusCode": 200, "headers": {"x": "y"}, "body": ""}]


# --- mistakes of apps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "kind", "said"),
    [
        ([], "HandlerError", "returned without a response"),
        ([START], "HandlerError", "returned before its response was complete"),
        ([body()], "StreamStateError", "'http.response.body' before 'http.response.start'"),
        ([START, START], "StreamStateError", "'http.response.start' twice"),
        ([START, body("text")], "ChunkTypeError", "of str; it must be bytes"),
        ([START, body(5)], "ChunkTypeError", "yielded int"),
        ([{"type": "http.response.push"}], "HandlerError", "offers no extensions"),
        ([{**START, "trailers": True}], "HandlerError", "announced trailers"),
        ([{**START, "status": 99}, body()], "ResponseError", "status code is 99"),
        ([{**START, "headers": [(b"a", b"b\nc")]}, body()], "ResponseError", "line break"),
    ],
)
def test_a_mistake_of_the_app_before_the_first_byte_is_an_ordinary_error(
    messages: list[Any], kind: str, said: str, loop: Loop
) -> None:
    outcome = invoke(handler(app_that_sends(*messages)), url_event(), loop=loop)

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == kind
    assert said in outcome.sent.json["errorMessage"]


@pytest.mark.parametrize(
    ("messages", "kind", "said"),
    [
        ([], "HandlerError", "returned before its response was complete"),
        ([START], "StreamStateError", "'http.response.start' twice"),
        ([{"type": "http.response.trailers"}], "HandlerError", "offers no extensions"),
    ],
)
def test_a_mistake_of_the_app_after_the_first_byte_is_sent_in_trailers(
    messages: list[Any], kind: str, said: str, loop: Loop
) -> None:
    sent = answer(loop, START, body(b"one", more=True), *messages)

    assert sent.chunks[1:] == [b"one"]
    assert sent.trailers["lambda-runtime-function-error-type"] == f"Function.{kind}"
    assert said in sent.trailed_error["errorMessage"]


def app_with_tasks(*errors: Exception, begins: bool) -> Any:
    async def fails(error: Exception) -> None:
        raise error

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        if begins:
            await send(START)
            await send(body(b"one", more=True))
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as inner:
            for error in errors:
                (inner if len(errors) == 1 else tasks).start_soon(fails, error)

    return app


@pytest.mark.parametrize("begins", [False, True])
def test_a_group_with_one_error_is_reported_as_that_error(begins: bool, loop: Loop) -> None:  # noqa: FBT001
    error = Broken("the cause")

    outcome = invoke(handler(app_with_tasks(error, begins=begins)), url_event(), loop=loop)

    report = outcome.sent.trailed_error if begins else outcome.sent.json
    assert (report["errorType"], report["errorMessage"]) == ("Broken", "the cause")
    assert report["stackTrace"][-1].endswith("in fails\n    raise error\n")
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: the cause"]
    assert (
        error.__context__ is None
    )  # not the group, which refers to the error: a reference cycle would keep both alive


@pytest.mark.parametrize("begins", [False, True])
def test_a_group_with_several_errors_is_reported_as_the_group_and_each_is_logged(begins: bool, loop: Loop) -> None:  # noqa: FBT001
    errors = Broken("the first"), Broken("the second")

    outcome = invoke(handler(app_with_tasks(*errors, begins=begins)), url_event(), loop=loop)

    report = outcome.sent.trailed_error if begins else outcome.sent.json
    assert report["errorType"] == "ExceptionGroup"
    (lines,) = outcome.log.errors
    assert lines[0].startswith("[ERROR] ExceptionGroup: ")
    assert {"the first", "the second"} == {line.partition("Broken: ")[2] for line in lines if "Broken: " in line}


def test_under_another_runtime_a_group_with_one_error_is_raised_as_that_error() -> None:
    error = Broken("the cause")

    with pytest.raises(Broken) as raised:
        handler(app_with_tasks(error, begins=True))(url_event(), None)

    assert raised.value is error


@pytest.mark.parametrize("late", [START, body(b"more")])
def test_a_mistake_of_the_app_after_the_response_is_logged_and_the_response_stands(
    late: dict[str, Any], loop: Loop
) -> None:
    outcome = invoke(handler(app_that_sends(START, body(b"all"), late)), url_event(), loop=loop)

    assert outcome.sent.chunks[1:] == [b"all"]
    assert outcome.sent.trailers == {}
    assert "after its response was complete" in outcome.log.errors[0][0]


def test_a_task_that_an_invocation_has_left_cannot_write_into_the_next(loop: Loop) -> None:
    late: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] == "/1":
            late.append(send)
            await send(START)
            raise Broken
        with pytest.raises(Exception, match="response is over"):
            await late[0](body(b"from before"))
        await app_that_sends(START, body(b"mine"))(scope, None, send)

    made = handler(app)
    invoke(made, url_event("/1"), loop=loop)

    assert invoke(made, url_event("/2"), loop=loop).sent.chunks[1:] == [b"mine"]


def test_an_exception_after_the_response_does_not_change_it_and_is_logged_once(loop: Loop) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await app_that_sends({**START, "status": 500}, body(b"the app's own page"))(scope, receive, send)
        raise Broken("why")

    outcome = invoke(handler(app), url_event(), loop=loop)

    assert outcome.sent.prelude["statusCode"] == 500
    assert outcome.sent.chunks[1:] == [b"the app's own page"]
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: why"]


# --- the client disconnects ------------------------------------------------------------------------------------------


def refused(peer: Peer) -> None:
    """Read the headers only."""
    peer.read_until(b"one\r\n")
    peer.send(reply(413, b"too much", "Connection: close"))


async def sends_until_it_fails(send: Any) -> None:
    while True:
        await send(body(bytes(100_000), more=True))


@pytest.mark.parametrize("swallows", [False, True])
def test_a_write_that_fails_is_an_os_error_of_send_and_a_disconnect(swallows: bool, loop: Loop) -> None:  # noqa: FBT001
    received: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(body(b"one", more=True))
        try:
            await sends_until_it_fails(send)
        except OSError as error:
            received.append(await receive())
            for message in (body(b"more", more=True), body()):
                with pytest.raises(OSError, match="cut off"):
                    await send(message)
            if not swallows:
                raise Broken("the app's own error") from error

    _, log = invoke_scripted(handler(app), url_event(), refused, loop=loop)

    assert received == [{"type": "http.disconnect"}]
    assert log.errors == []
    assert [message for message in log.messages if "not delivered" in message] != []
    assert "413" in log.messages[0]


# --- lifespan --------------------------------------------------------------------------------------------------------


def app_with_lifespan(steps: list[Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            steps.append("startup")
            scope["state"]["steps"] = steps
            await send({"type": "lifespan.startup.complete"})
            await receive()
            steps.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
        else:
            scope["state"]["steps"].append("request")
            assert "own" not in scope["state"]  # each request has a copy
            scope["state"]["own"] = True
            await app_that_sends(START, body(str(len(scope["state"])).encode()))(scope, receive, send)

    return app


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_the_runtime_starts_the_app_before_the_first_request_and_ends_it_with_the_process(
    mode: str, loop: Loop
) -> None:
    steps: list[Any] = []
    made = asgi.handler(app_with_lifespan(steps), lifespan=mode)

    loop().run_until_complete(current.startup[0]())
    assert steps == ["startup"]
    for _ in range(2):
        assert invoke(made, url_event(), loop=loop).sent.chunks[1:] == [b"2"]
    loop().run_until_complete(current.shutdown[0]())

    assert steps == ["startup", "request", "request", "shutdown"]


def test_under_another_runtime_each_call_has_its_own_lifespan(loop: Loop) -> None:
    steps: list[Any] = []
    made = asgi.handler(app_with_lifespan(steps))

    assert made(url_event(), None)["body"] == "2"
    assert call(made, url_event()).body == b"2"
    assert invoke(made, url_event(), loop=loop).sent.chunks[1:] == [b"2"]
    assert steps == ["startup", "request", "shutdown"] * 3


def test_a_call_whose_app_cannot_start_is_an_error_of_the_call(loop: Loop) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    outcome = invoke(asgi.handler(app), url_event(), loop=loop)

    assert outcome.sent.json["errorMessage"] == "the app could not start: no database"


def test_with_lifespan_off_the_app_gets_no_lifespan_messages() -> None:
    asgi.handler(app_with_lifespan([]), lifespan="off")

    assert (current.startup, current.shutdown) == ([], [])


def test_an_app_without_lifespan_support_runs() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await app_that_sends(START, body(json.dumps(scope["state"]).encode()))(scope, receive, send)

    assert call(asgi.handler(app), url_event()).json() == {}


@pytest.mark.parametrize(
    ("app", "options", "said"),
    [
        (None, {}, "the app is a NoneType; it must be an ASGI application"),
        (app_that_sends(), {"lifespan": "maybe"}, "lifespan is 'maybe'; it must be one of auto, on, off"),
    ],
)
def test_invalid_arguments_are_refused_when_the_handler_is_made(app: Any, options: Any, said: str) -> None:
    with pytest.raises(HandlerError, match=said):
        asgi.handler(app, **options)


# --- another runtime -------------------------------------------------------------------------------------------------


def test_under_another_runtime_the_handler_returns_the_whole_response() -> None:
    made = handler(app_that_sends({**START, "headers": HEADERS}, body(b"one", more=True), body(b"\xff")))

    assert made(url_event(), None) == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/html", "x-name": "é", "link": "<a>, <b>"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "b25l/w==",
        "isBase64Encoded": True,
    }


def test_under_another_runtime_a_response_sent_before_an_error_is_returned(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await app_that_sends({**START, "status": 500}, body(b"page"))(scope, receive, send)
        raise Broken("why")

    assert handler(app)(url_event(), None)["body"] == "page"
    assert "Broken: why" in caplog.text


def test_under_another_runtime_an_error_before_the_response_is_complete_is_raised() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"one", more=True))
        raise Broken

    with pytest.raises(Broken):
        handler(app)(url_event(), None)
