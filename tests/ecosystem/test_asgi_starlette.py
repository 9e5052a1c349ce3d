"""Starlette under `asgi.handler`."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route

from asgi_service import serving
from http_events import multipart, rest_event, url_event
from lockstep import Lockstep
from scripted_api import ACCEPTED, WAIT, Peer, reply

WORDS = (b"one", b"two", b"three")


class Broken(Exception):
    pass


def app_of(endpoint: Any, path: str = "/", **options: Any) -> Starlette:
    return Starlette(routes=[Route(path, endpoint, methods=["GET", "POST"])], **options)


# --- streams ---------------------------------------------------------------------------------------------------------


def test_an_async_generator_over_a_blocking_client_delivers_each_chunk_when_it_is_yielded() -> None:
    client = Lockstep(*WORDS)

    async def stream(_request: Request) -> Response:
        async def words() -> AsyncIterator[bytes]:
            for word in WORDS:
                yield word
                client.wait()  # blocks the loop, as boto3's event stream does

        return StreamingResponse(words())

    with serving(app_of(stream)) as service:
        service.in_lockstep(client)


def test_a_sync_generator_runs_in_a_thread_and_streams_too() -> None:
    client = Lockstep(*WORDS)

    def words() -> Iterator[bytes]:
        for word in WORDS:
            yield word
            client.wait()

    async def stream(_request: Request) -> Response:
        return StreamingResponse(words())

    with serving(app_of(stream)) as service:
        service.in_lockstep(client)


class PassesOn(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-middleware"] = "seen"
        return response


def test_middleware_that_sends_from_another_task_streams() -> None:
    client = Lockstep(*WORDS)

    async def stream(_request: Request) -> Response:
        async def words() -> AsyncIterator[bytes]:
            for word in WORDS:
                yield word
                await asyncio.to_thread(client.wait)

        return StreamingResponse(words(), headers={"x-app": "seen"})

    with serving(app_of(stream, middleware=[Middleware(PassesOn)])) as service:
        service.in_lockstep(client)


def test_and_keeps_status_headers_and_cookies() -> None:
    async def plain(_request: Request) -> Response:
        response = PlainTextResponse("text", 418)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    with serving(app_of(plain, middleware=[Middleware(PassesOn), Middleware(PassesOn)])) as service:
        sent = service.answer()

    assert (sent.prelude["statusCode"], sent.content) == (418, b"text")
    assert sent.prelude["headers"]["x-middleware"] == "seen"
    assert [cookie.partition(";")[0] for cookie in sent.prelude["cookies"]] == ["a=1", "b=2"]


# --- the end of a response -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("middleware", [[], [Middleware(PassesOn)]], ids=["plain", "BaseHTTPMiddleware"])
def test_a_background_task_runs_after_the_client_has_the_end_and_before_the_next_invocation(middleware: Any) -> None:
    ended = threading.Event()
    steps: list[str] = []

    def script(peer: Peer) -> None:
        assert peer.read_request().endswith(b"answer\r\n0\r\n\r\n")
        peer.send(ACCEPTED)
        ended.set()

    async def task() -> None:
        assert await asyncio.to_thread(ended.wait, WAIT), "the client has no end before the task is over"
        steps.append("task")

    async def endpoint(_request: Request) -> Response:
        steps.append("request")
        return PlainTextResponse("answer", background=BackgroundTask(task))

    with serving(app_of(endpoint, middleware=middleware)) as service:
        assert service.scripted(script).errors == []
        assert steps == ["request", "task"]
        service.answer()

    assert steps == ["request", "task", "request", "task"]


def test_a_background_task_that_fails_is_logged_and_the_response_stands() -> None:
    async def task() -> None:
        raise Broken("in the background")

    async def endpoint(_request: Request) -> Response:
        return PlainTextResponse("answer", background=BackgroundTask(task))

    with serving(app_of(endpoint)) as service:
        outcome = service.outcome()

    assert (outcome.sent.prelude["statusCode"], outcome.sent.content) == (200, b"answer")
    assert outcome.sent.trailers == {}
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: in the background"]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_exception_before_the_start_is_starlettes_page_and_is_logged() -> None:
    async def fails(_request: Request) -> Response:
        raise Broken("before")

    with serving(app_of(fails)) as service:
        outcome = service.outcome()

    assert outcome.path == "response"
    assert (outcome.sent.prelude["statusCode"], outcome.sent.content) == (500, b"Internal Server Error")
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: before"]


def test_an_exception_after_the_first_chunk_is_told_in_trailers() -> None:
    async def fails(_request: Request) -> Response:
        async def words() -> AsyncIterator[bytes]:
            yield b"one"
            raise Broken("midway")

        return StreamingResponse(words())

    with serving(app_of(fails)) as service:
        outcome = service.outcome()

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]


def test_a_response_that_nobody_takes_any_more_ends_the_stream_and_is_no_error_of_the_app() -> None:
    closed: list[bool] = []

    async def stream(_request: Request) -> Response:
        async def words() -> AsyncIterator[bytes]:
            try:
                yield b"one"
                while True:
                    yield bytes(100_000)
            finally:
                closed.append(True)

        return StreamingResponse(words())

    def refuse(peer: Peer) -> None:
        peer.read_until(b"one\r\n")
        peer.send(reply(413, b"too much", "Connection: close"))

    with serving(app_of(stream)) as service:
        log = service.scripted(refuse)
        gc.collect()  # asyncio keeps the frames of what a task has raised, and with them the generator

    assert closed == [True]
    assert log.errors == []
    assert "the response was not delivered" in log.messages[-1]


def test_what_nobody_routes_is_not_found() -> None:
    with serving(Starlette()) as service:
        sent = service.answer(url_event("/nowhere"))

    assert (sent.prelude["statusCode"], sent.content) == (404, b"Not Found")


# --- requests and responses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "options", "location"),
    [
        (url_event("/from"), {}, "https://id.lambda-url.us-east-1.on.aws/to"),
        (rest_event("/from"), {}, "https://id.execute-api.us-east-1.amazonaws.com/prod/to"),
        (url_event("/v1/from"), {"base_path": "/v1"}, "https://id.lambda-url.us-east-1.on.aws/v1/to"),
    ],
)
def test_a_redirect_leads_to_where_the_client_finds_the_app(event: Any, options: Any, location: str) -> None:
    async def come(request: Request) -> Response:
        return RedirectResponse(request.url_for("to"))

    async def to(_request: Request) -> Response:
        return Response()

    if "host" in event["headers"]:
        event["headers"]["host"] = "id.lambda-url.us-east-1.on.aws"
    app = Starlette(routes=[Route("/from", come), Route("/to", to, name="to")])
    with serving(app, **options) as service:
        prelude = service.answer(event).prelude

    assert (prelude["statusCode"], prelude["headers"]["location"]) == (307, location)


def test_a_slash_that_is_missing_is_redirected_to_below_the_stage() -> None:
    async def listing(request: Request) -> Response:
        return PlainTextResponse(request.url.path)

    app = Starlette(routes=[Mount("/items", routes=[Route("/", listing)])])
    with serving(app) as service:
        location = service.answer(rest_event("/items")).prelude["headers"]["location"]
        sent = service.answer(rest_event("/items/"))

    assert location == "https://id.execute-api.us-east-1.amazonaws.com/prod/items/"
    assert sent.content == b"/prod/items/"


def test_cookies_come_and_go() -> None:
    async def cookies(request: Request) -> Response:
        response = JSONResponse(request.cookies)
        response.set_cookie("a", "3", httponly=True, expires="Wed, 09 Jun 2027 10:18:14 GMT")
        response.delete_cookie("b")
        return response

    event = {**url_event(headers={"cookie": "a=1; b=2"}), "cookies": ["a=1", "b=2"]}
    with serving(app_of(cookies)) as service:
        sent = service.answer(event)

    assert sent.content == b'{"a":"1","b":"2"}'
    assert [cookie.partition(";")[0] for cookie in sent.prelude["cookies"]] == ["a=3", 'b=""']
    assert "expires=Wed, 09 Jun 2027 10:18:14 GMT" in sent.prelude["cookies"][0]


def test_a_file_is_sent_in_pieces_with_its_headers_and_in_ranges(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    (tmp_path / "data.bin").write_bytes(data)

    async def download(_request: Request) -> Response:
        return FileResponse(tmp_path / "data.bin", filename="é.bin")

    with serving(app_of(download)) as service:
        sent = service.answer()
        part = service.answer(url_event(headers={"range": "bytes=10-19"}))
        head = service.answer(url_event(method="HEAD"))

    assert sent.content == data
    assert len(sent.chunks) > 2
    assert sent.prelude["headers"]["content-disposition"] == "attachment; filename*=utf-8''%C3%A9.bin"
    assert (part.prelude["statusCode"], part.content) == (206, data[10:20])
    assert part.prelude["headers"]["content-range"] == f"bytes 10-19/{len(data)}"
    assert (head.prelude["headers"]["etag"], head.content) == (sent.prelude["headers"]["etag"], b"")


def test_an_upload_arrives_byte_by_byte() -> None:
    data = bytes(range(256)) * 3000

    async def upload(request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            return Response(await file.read(), headers={"x-name": f"{file.filename} {len(str(form['title']))}"})

    content_type, body = multipart({"title": "é"}, {"file": ("a.bin", data)})
    with serving(app_of(upload)) as service:
        sent = service.answer(url_event(method="POST", headers={"content-type": content_type}, body=body))

    assert sent.content == data
    assert sent.prelude["headers"]["x-name"] == "a.bin 1"


@pytest.mark.parametrize("make", [url_event, rest_event])
def test_a_path_with_escapes_is_decoded_once(make: Callable[[str], Any]) -> None:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(request.path_params["path"])

    with serving(app_of(echo, "/{path:path}")) as service:
        assert service.answer(make("/caf%C3%A9/a%20b%2Fc%2525")).content.decode() == "café/a b/c%25"


def test_a_query_keeps_its_repeats() -> None:
    async def query(request: Request) -> Response:
        return JSONResponse(request.query_params.getlist("a"))

    with serving(app_of(query)) as service:
        assert service.answer(url_event("/?a=1&b=0&a=%2C2&a=")).content == b'["1",",2",""]'


def test_whether_the_client_has_gone_can_be_asked_at_any_time() -> None:
    async def asks(request: Request) -> Response:
        async def words() -> AsyncIterator[str]:
            for _ in range(2):
                yield f"{await request.is_disconnected()}\n"

        return StreamingResponse(words())

    with serving(app_of(asks)) as service:
        assert service.answer().content == b"False\nFalse\n"


def test_what_the_lifespan_yields_is_there_in_each_request_and_event_and_context_are_too() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        steps.append("startup")
        yield {"pool": "open"}
        steps.append("shutdown")

    async def state(request: Request) -> Response:
        stage = request.scope["aws.event"]["requestContext"]["stage"]
        return PlainTextResponse(f"{request.state.pool} {stage} {request.scope['aws.context'].aws_request_id}")

    with serving(app_of(state, lifespan=lifespan)) as service:
        assert steps == ["startup"]
        assert service.answer().content == b"open $default request-1"
        assert service.answer().content == b"open $default request-1"

    assert steps == ["startup", "shutdown"]


def test_compression_that_holds_chunks_back_still_ends_well() -> None:
    async def stream(_request: Request) -> Response:
        return StreamingResponse(iter(["one " * 500, "two " * 500]), media_type="text/plain")

    with serving(app_of(stream, middleware=[Middleware(GZipMiddleware)])) as service:
        sent = service.answer(url_event(headers={"accept-encoding": "gzip"}))

    assert sent.prelude["headers"]["content-encoding"] == "gzip"
    assert sent.complete
