"""Django under `asgi.handler`."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, re_path, reverse

from asgi_service import serving
from django_project import urls
from http_events import multipart, rest_event, url_event
from lockstep import Lockstep

WORDS = (b"one", b"two", b"three")


class Broken(Exception):
    pass


def ask(view: Any, event: Any = None, **options: Any) -> Any:
    with urls(path("", view), **options), serving(get_asgi_application()) as service:
        return service.answer(event)


def in_lockstep(view: Any, client: Lockstep, **options: Any) -> None:
    with urls(path("", view), **options), serving(get_asgi_application()) as service:
        service.in_lockstep(client)


# --- streams ---------------------------------------------------------------------------------------------------------


def test_an_async_generator_over_a_blocking_client_delivers_each_chunk_when_it_is_yielded() -> None:
    client = Lockstep(*WORDS)

    async def view(_request: HttpRequest) -> StreamingHttpResponse:
        async def words() -> AsyncIterator[bytes]:
            for word in WORDS:
                yield word
                client.wait()

        return StreamingHttpResponse(words(), content_type="text/event-stream")

    in_lockstep(view, client)


def test_so_it_does_behind_middleware_that_knows_no_async() -> None:
    client = Lockstep(*WORDS)

    async def view(_request: HttpRequest) -> StreamingHttpResponse:
        async def words() -> AsyncIterator[bytes]:
            for word in WORDS:
                yield word
                await asyncio.sleep(0)
                client.wait()

        return StreamingHttpResponse(words())

    in_lockstep(view, client, MIDDLEWARE=["django_middleware.sync_only"])


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_exception_of_a_view_is_djangos_page() -> None:
    async def view(_request: HttpRequest) -> HttpResponse:
        raise Broken("before")

    sent = ask(view)

    assert sent.prelude["statusCode"] == 500
    assert b"Server Error" in sent.content


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_exception_after_the_first_chunk_is_told_in_trailers() -> None:
    async def view(_request: HttpRequest) -> StreamingHttpResponse:
        async def words() -> AsyncIterator[str]:
            yield "one"
            raise Broken("midway")

        return StreamingHttpResponse(words())

    with urls(path("", view)), serving(get_asgi_application()) as service:
        outcome = service.outcome()
        gc.collect()  # of a request that has failed Django leaves a file open

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]


def test_what_nobody_routes_is_not_found() -> None:
    assert ask(HttpResponse, url_event("/nowhere")).prelude["statusCode"] == 404


# --- requests and responses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "options", "location"),
    [
        (url_event("/from"), {}, "/to"),
        (rest_event("/from"), {}, "/prod/to"),
        (url_event("/v1/from"), {"base_path": "/v1"}, "/v1/to"),
    ],
)
def test_a_redirect_leads_to_where_the_client_finds_the_app(event: Any, options: Any, location: str) -> None:
    async def come(_request: HttpRequest) -> HttpResponse:
        return redirect(reverse("to"))

    routes = path("from", come), path("to", HttpResponse, name="to")
    with urls(*routes), serving(get_asgi_application(), **options) as service:
        prelude = service.answer(event).prelude

    assert (prelude["statusCode"], prelude["headers"]["Location"]) == (302, location)


def test_a_sync_view_knows_the_apps_own_address() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.build_absolute_uri())

    assert ask(view, rest_event("/")).content == b"https://id.execute-api.us-east-1.amazonaws.com/prod/"


def test_cookies_come_and_go() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        response = JsonResponse(request.COOKIES)
        response.set_cookie("a", "3", httponly=True)
        response.set_cookie("b", "4")
        return response

    sent = ask(view, {**url_event(headers={"cookie": "a=1; b=2"}), "cookies": ["a=1", "b=2"]})

    assert sent.content == b'{"a": "1", "b": "2"}'
    assert sent.prelude["cookies"] == ["a=3; HttpOnly; Path=/", "b=4; Path=/"]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators:Warning")
def test_a_file_comes_whole_with_its_headers(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    (tmp_path / "data.bin").write_bytes(data)

    def view(_request: HttpRequest) -> FileResponse:
        return FileResponse((tmp_path / "data.bin").open("rb"), as_attachment=True, filename="é.bin")

    sent = ask(view)

    assert sent.content == data
    assert sent.prelude["headers"]["Content-Disposition"] == "attachment; filename*=utf-8''%C3%A9.bin"


def test_an_upload_arrives_byte_by_byte() -> None:
    data = bytes(range(256)) * 3000

    async def view(request: HttpRequest) -> HttpResponse:
        file = request.FILES["file"]
        assert (file.name, request.POST["title"]) == ("a.bin", "é")
        return HttpResponse(file.read(), content_type="application/octet-stream")

    content_type, body = multipart({"title": "é"}, {"file": ("a.bin", data)})
    event = url_event(method="POST", headers={"content-type": content_type}, body=body)

    assert ask(view, event).content == data


@pytest.mark.parametrize("make", [url_event, rest_event])
def test_a_path_with_escapes_is_decoded_once(make: Callable[[str], Any]) -> None:
    async def view(_request: HttpRequest, name: str) -> HttpResponse:
        return HttpResponse(name)

    with urls(re_path("^(?P<name>.*)$", view)), serving(get_asgi_application()) as service:
        assert service.answer(make("/caf%C3%A9/a%20b%2Fc%2525")).content.decode() == "café/a b/c%25"


def test_a_query_keeps_its_repeats_and_event_and_context_are_at_hand() -> None:
    async def view(request: Any) -> HttpResponse:
        stage = request.scope["aws.event"]["requestContext"]["stage"]
        return HttpResponse(f"{request.GET.getlist('a')} {stage} {request.scope['aws.context'].aws_request_id}")

    assert ask(view, url_event("/?a=1&b=0&a=%2C2&a=")).content == b"['1', ',2', ''] $default request-1"
