"""FastAPI under `asgi.handler`."""

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Cookie, Depends, FastAPI, HTTPException, Query, Response, UploadFile
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse

from asgi_service import serving
from http_events import multipart, rest_event, url_event
from lockstep import Lockstep
from scripted_api import ACCEPTED, WAIT, Peer

WORDS = (b"one", b"two", b"three")


class Broken(Exception):
    pass


@pytest.fixture
def app() -> FastAPI:
    return FastAPI()


def test_an_async_generator_over_a_blocking_client_delivers_each_chunk_when_it_is_yielded(app: FastAPI) -> None:
    client = Lockstep(*WORDS)

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def words() -> AsyncIterator[bytes]:
            for word in WORDS:
                yield word
                client.wait()

        return StreamingResponse(words(), media_type="text/event-stream")

    with serving(app) as service:
        service.in_lockstep(client)


def test_so_does_a_sync_generator_of_a_sync_function_behind_middleware(app: FastAPI) -> None:
    client = Lockstep(*WORDS)

    @app.middleware("http")
    async def passes_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    @app.get("/")
    def stream() -> StreamingResponse:
        def words() -> Iterator[bytes]:
            for word in WORDS:
                yield word
                client.wait()

        return StreamingResponse(words())

    with serving(app) as service:
        service.in_lockstep(client)


def test_a_dependency_is_there_until_the_stream_ends(app: FastAPI) -> None:
    open_sessions: list[str] = []

    def session() -> Iterator[list[str]]:
        open_sessions.append("session")
        yield open_sessions
        open_sessions.clear()

    @app.get("/")
    def stream(found: Annotated[list[str], Depends(session)]) -> StreamingResponse:
        return StreamingResponse(f"{word} {len(found)}\n" for word in ("one", "two"))

    with serving(app) as service:
        assert service.answer().content == b"one 1\ntwo 1\n"
    assert open_sessions == []


def test_background_tasks_run_after_the_client_has_the_end_and_before_the_next_invocation(app: FastAPI) -> None:
    ended = threading.Event()
    steps: list[str] = []

    def script(peer: Peer) -> None:
        assert peer.read_request().endswith(b"\r\n0\r\n\r\n")
        peer.send(ACCEPTED)
        ended.set()

    def task() -> None:
        assert ended.wait(WAIT), "the client has no end before the task is over"
        steps.append("task")

    @app.get("/")
    def endpoint(tasks: BackgroundTasks) -> str:
        steps.append("request")
        tasks.add_task(task)
        return "answer"

    with serving(app) as service:
        assert service.scripted(script).errors == []
        service.answer()

    assert steps == ["request", "task", "request", "task"]


def test_an_exception_before_the_start_is_a_page_and_after_it_trailers(app: FastAPI) -> None:
    @app.get("/before")
    def before() -> None:
        raise Broken("before")

    @app.get("/after")
    def after() -> StreamingResponse:
        def words() -> Iterator[str]:
            yield "one"
            raise Broken("after")

        return StreamingResponse(words())

    with serving(app) as service:
        page = service.outcome(url_event("/before"))
        stream = service.outcome(url_event("/after"))

    assert (page.sent.prelude["statusCode"], page.sent.content) == (500, b"Internal Server Error")
    assert [lines[0] for lines in page.log.errors] == ["[ERROR] Broken: before"]
    assert stream.sent.chunks[1:] == [b"one"]
    assert stream.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"


def test_errors_that_are_answers_are_answers(app: FastAPI) -> None:
    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/number/{number}")
    def number(number: int) -> int:
        return number

    with serving(app) as service:
        answers = [service.answer(url_event(path)) for path in ("/teapot", "/number/x", "/number/7", "/nowhere")]

    assert [sent.prelude["statusCode"] for sent in answers] == [418, 422, 200, 404]
    assert answers[0].content == b'{"detail":"short and stout"}'
    assert answers[2].content == b"7"


def test_an_upload_and_a_download(app: FastAPI, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000

    @app.post("/")
    async def upload(file: UploadFile) -> FileResponse:
        path = tmp_path / "uploaded"
        path.write_bytes(await file.read())
        return FileResponse(path, filename=file.filename)

    content_type, body = multipart({}, {"file": ("a.bin", data)})
    with serving(app) as service:
        sent = service.answer(url_event(method="POST", headers={"content-type": content_type}, body=body))

    assert sent.content == data
    assert sent.prelude["headers"]["content-disposition"] == 'attachment; filename="a.bin"'


def test_cookies_a_query_with_repeats_and_an_escaped_path(app: FastAPI) -> None:
    @app.get("/items/{name:path}")
    def item(name: str, a: Annotated[list[str], Query()], seen: Annotated[str, Cookie()], response: Response) -> Any:
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        return [name, a, seen]

    with serving(app) as service:
        sent = service.answer(url_event("/items/a%2Fb%20%C3%A9?a=1&a=%2C2", headers={"cookie": "seen=yes"}))

    assert sent.content.decode() == '["a/b é",["1",",2"],"yes"]'
    assert [cookie.partition(";")[0] for cookie in sent.prelude["cookies"]] == ["one=1", "two=2"]


def test_redirects_and_the_api_page_know_the_stage(app: FastAPI) -> None:
    @app.get("/from")
    def come() -> RedirectResponse:
        return RedirectResponse(str(app.url_path_for("to")))

    @app.get("/to/")
    def to() -> str:
        return "here"

    with serving(app) as service:
        slash = service.answer(rest_event("/to"))
        page = service.answer(rest_event("/docs"))
        schema = service.answer(rest_event("/openapi.json"))
        there = service.answer(rest_event("/to/"))

    assert slash.prelude["headers"]["location"] == "https://id.execute-api.us-east-1.amazonaws.com/prod/to/"
    assert b"'/prod/openapi.json'" in page.content
    assert b'"servers":[{"url":"/prod"}]' in schema.content
    assert there.content == b'"here"'
