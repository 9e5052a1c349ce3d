"""Django under `wsgi.handler`, with PEP 3333's validator in between."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import path, re_path, reverse

import django_project
from http_events import multipart, rest_event, url_event
from invoking import Outcome, invoke, invoke_scripted
from lambda_streamify import wsgi
from lockstep import Lockstep

WORDS = (b"one", b"two", b"three")


def invoked(patterns: list[Any], event: Any = None, **options: Any) -> Outcome:
    with django_project.urls(*patterns):
        return invoke(wsgi.handler(validator(get_wsgi_application()), **options), event or url_event())


def answer(view: Callable[..., Any], event: Any = None, **options: Any) -> Outcome:
    """Let Django answer one event with this view, whatever its path."""
    outcome = invoked([re_path("^(.*)$", lambda request, _: view(request))], event, **options)
    assert outcome.log.errors == []
    return outcome


def in_lockstep(view: Callable[[Any], Any], client: Lockstep) -> None:
    """Answer one event chunk by chunk."""
    with django_project.urls(path("", view)):
        handler = wsgi.handler(validator(get_wsgi_application()))
        _, log = invoke_scripted(handler, url_event(), client.script)
    assert client.ended
    assert log.errors == []


def words(client: Lockstep) -> Iterator[str]:
    for word in WORDS:
        yield word.decode()
        client.wait()


# --- streams ---------------------------------------------------------------------------------------------------------


def test_each_chunk_arrives_while_the_generator_waits() -> None:
    client = Lockstep(*WORDS)

    in_lockstep(lambda _: StreamingHttpResponse(words(client), content_type="text/event-stream"), client)


def test_django_collects_an_async_generator_and_says_so() -> None:
    async def chunks() -> AsyncIterator[str]:
        for word in WORDS:
            yield word.decode()

    with pytest.warns(Warning, match="must consume asynchronous iterators"):
        sent = answer(lambda _: StreamingHttpResponse(chunks())).sent

    assert sent.content == b"onetwothree"


def test_an_async_view_streams() -> None:
    client = Lockstep(*WORDS)

    async def view(_request: Any) -> Any:
        await asyncio.sleep(0)
        return StreamingHttpResponse(words(client))

    in_lockstep(view, client)


class LockstepFile(io.BufferedIOBase):
    """A file of which there is no more than the client has read."""

    def __init__(self, client: Lockstep) -> None:
        self._client = client
        self._blocks = iter(WORDS)

    def read1(self, size: int = -1, /) -> bytes:
        assert size > 0
        block = next(self._blocks, b"")
        if block not in (b"", WORDS[0]):
            self._client.wait()
        return block

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the whole file is asked for")


def test_a_download_is_not_loaded_whole() -> None:
    file = LockstepFile(client := Lockstep(*WORDS))

    in_lockstep(lambda _: FileResponse(file, filename="a.bin"), client)

    assert file.closed


def test_a_file_comes_with_its_headers(tmp_path: Path) -> None:
    stored = tmp_path / "numbers.txt"
    stored.write_bytes(bytes(range(256)) * 1000)

    sent = answer(lambda _: FileResponse(stored.open("rb"), as_attachment=True)).sent

    assert sent.prelude["headers"]["Content-Disposition"] == 'attachment; filename="numbers.txt"'
    assert sent.content == stored.read_bytes()
    assert len(sent.chunks[1:]) == 4


def test_what_runs_when_the_request_is_finished_keeps_no_client_waiting() -> None:
    client = Lockstep(*WORDS)
    ended: list[bool] = []

    def finished(**_: Any) -> None:
        ended.append(client.ended)

    request_finished.connect(finished)
    try:
        in_lockstep(lambda _: StreamingHttpResponse(words(client)), client)
    finally:
        request_finished.disconnect(finished)

    assert ended == [True]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_of_a_view_is_djangos_to_answer() -> None:
    def broken(_request: Any) -> Any:
        raise ValueError("wrong")

    sent = answer(broken).sent

    assert sent.prelude["statusCode"] == 500
    assert b"Server Error (500)" in sent.content


@pytest.mark.parametrize("after", [0, 1])
def test_an_error_of_a_stream_is_the_functions_and_closes_the_response(after: int) -> None:
    finished: list[Any] = []

    def chunks() -> Iterator[str]:
        try:
            yield from ["one"] * after
            raise ValueError("wrong")
        finally:
            finished.append("generator")

    outcome = invoked([path("", lambda _: StreamingHttpResponse(chunks()))])

    if after:
        assert outcome.sent.prelude["statusCode"] == 200
        assert outcome.sent.content == b"one"
        assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"
    else:
        assert outcome.path == "error"
        assert outcome.sent.json["errorType"] == "ValueError"
    assert finished == ["generator"]
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] ValueError: wrong"]


def test_what_nobody_routes_is_not_found() -> None:
    sent = invoked([path("somewhere", HttpResponse)], url_event("/nowhere")).sent

    assert sent.prelude["statusCode"] == 404
    assert b"Not Found" in sent.content


# --- headers and requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "options", "location"),
    [
        (url_event("/from"), {}, "/to"),
        (rest_event("/from"), {}, "/prod/to"),
        (url_event("/v1/from"), {"base_path": "/v1"}, "/v1/to"),
    ],
)
def test_a_redirect_leads_to_where_the_client_finds_the_app(event: Any, options: dict[str, Any], location: str) -> None:
    patterns = [
        path("from", lambda _: HttpResponseRedirect(reverse("to"))),
        path("to", HttpResponse, name="to"),
    ]

    prelude = invoked(patterns, event, **options).sent.prelude

    assert (prelude["statusCode"], prelude["headers"]["Location"]) == (302, location)


def test_the_apps_own_address_is_the_clients() -> None:
    sent = answer(lambda request: HttpResponse(request.build_absolute_uri()), rest_event("/to")).sent

    assert sent.content == b"https://id.execute-api.us-east-1.amazonaws.com/prod/to"


def test_cookies_come_and_go() -> None:
    def view(request: Any) -> Any:
        response = JsonResponse(request.COOKIES)
        response.set_cookie("a", "3", httponly=True)
        response.set_cookie("b", "4")
        return response

    event = {**url_event(headers={"cookie": "a=1; b=2"}), "cookies": ["a=1", "b=2"]}
    sent = answer(view, event).sent

    assert sent.content == b'{"a": "1", "b": "2"}'
    assert sent.prelude["cookies"] == ["a=3; HttpOnly; Path=/", "b=4; Path=/"]


@pytest.mark.parametrize("size", [1000, 3_000_000])  # Django keeps small files in memory, and others in files
def test_an_upload_arrives_byte_by_byte(size: int) -> None:
    data = bytes(range(250)) * (size // 250)

    def view(request: Any) -> Any:
        file = request.FILES["file"]
        assert (file.name, request.POST["title"]) == ("a.bin", "é")
        return StreamingHttpResponse(file.chunks())

    content_type, body = multipart({"title": "é"}, {"file": ("a.bin", data)})
    event = url_event(method="POST", headers={"content-type": content_type}, body=body)

    assert answer(view, event).sent.content == data


def test_a_form_and_a_plain_body_arrive_too() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    event = url_event(method="POST", headers=form, body=b"a=1&a=%202")
    sent = answer(lambda request: JsonResponse(request.POST.getlist("a"), safe=False), event).sent
    assert sent.content == b'["1", " 2"]'

    plain = {**url_event(method="POST", headers={"content-type": "text/plain"}), "body": "é"}
    assert answer(lambda request: HttpResponse(request.body), plain).sent.content.decode() == "é"


@pytest.mark.parametrize("make", [url_event, rest_event])
def test_a_path_with_escapes_is_decoded_once(make: Callable[[str], Any]) -> None:
    sent = answer(lambda request: HttpResponse(request.path_info), make("/caf%C3%A9/a%20b%2Fc%2525")).sent

    assert sent.content.decode() == "/café/a b/c%25"


def test_a_query_keeps_its_repeats() -> None:
    sent = answer(lambda request: JsonResponse(request.GET.getlist("a"), safe=False), url_event("/?a=1&b=0&a=%2C2&a="))

    assert sent.sent.content == b'["1", ",2", ""]'


def test_head_gets_the_headers_alone() -> None:
    sent = answer(lambda _: HttpResponse("one", headers={"X": "y"}), url_event(method="HEAD")).sent

    assert (sent.prelude["headers"]["X"], sent.content) == ("y", b"")


def test_event_and_context_are_at_hand() -> None:
    def who(request: Any) -> Any:
        return HttpResponse(f"{request.META['aws.event']['rawPath']} {request.META['aws.context'].aws_request_id}")

    assert answer(who).sent.content == b"/ request-1"
