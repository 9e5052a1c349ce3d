"""Flask under `wsgi.handler`, with PEP 3333's validator in between."""

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from flask import Flask, Response, redirect, request, send_file, stream_with_context, url_for

from http_events import multipart, rest_event, url_event
from invoking import Outcome, invoke, invoke_scripted
from lambda_streamify import wsgi
from lockstep import Lockstep

WORDS = (b"one", b"two", b"three")


@pytest.fixture
def app() -> Flask:
    made = Flask("shop")
    made.logger.addHandler(logging.NullHandler())
    return made


def answer(app: Flask, event: Any = None, **options: Any) -> Outcome:
    outcome = invoke(wsgi.handler(validator(app), **options), event or url_event())
    assert outcome.log.errors == []
    return outcome


def in_lockstep(app: Flask, client: Lockstep, event: Any = None) -> None:
    """Answer one event chunk by chunk."""
    _, log = invoke_scripted(wsgi.handler(validator(app)), event or url_event(), client.script)
    assert client.ended
    assert log.errors == []


def words(client: Lockstep) -> Iterator[str]:
    for word in WORDS:
        yield word.decode()
        client.wait()


# --- streams ---------------------------------------------------------------------------------------------------------


def test_each_chunk_arrives_while_the_generator_waits(app: Flask) -> None:
    client = Lockstep(*WORDS)

    @app.get("/")
    def stream() -> Response:
        return Response(words(client), content_type="text/event-stream")

    in_lockstep(app, client)


def test_a_stream_with_context_has_its_request_to_the_end(app: Flask) -> None:
    client = Lockstep(b"1", b"2")

    @app.get("/")
    def stream() -> Response:
        def numbers() -> Iterator[str]:
            for number in request.args.getlist("n"):
                yield number
                client.wait()
                assert request.path == "/"

        return Response(stream_with_context(numbers()))

    in_lockstep(app, client, url_event("/?n=1&n=2"))


def test_an_async_view_streams(app: Flask) -> None:
    client = Lockstep(*WORDS)

    @app.get("/")
    async def stream() -> Response:
        await asyncio.sleep(0)
        return Response(words(client))

    in_lockstep(app, client)


class LockstepFile:
    """A file of which there is no more than the client has read."""

    def __init__(self, client: Lockstep) -> None:
        self._client = client
        self._blocks = iter(WORDS)
        self.closed = False

    def read(self, size: int) -> bytes:
        assert size > 0
        block = next(self._blocks, b"")
        if block not in (b"", WORDS[0]):
            self._client.wait()
        return block

    def close(self) -> None:
        self.closed = True


def test_a_download_is_not_loaded_whole(app: Flask) -> None:
    file = LockstepFile(client := Lockstep(*WORDS))

    @app.get("/")
    def download() -> Response:
        return send_file(file, mimetype="application/zip")  # type: ignore[arg-type]

    in_lockstep(app, client)
    assert file.closed


def test_a_file_comes_with_its_headers(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(bytes(range(256)) * 1000)

    @app.get("/")
    def download() -> Response:
        return send_file(path, as_attachment=True)

    sent = answer(app).sent
    assert sent.prelude["headers"]["Content-Disposition"] == "attachment; filename=numbers.txt"
    assert sent.content == path.read_bytes()
    assert len(sent.chunks[1:]) == 4

    again = answer(app, url_event(headers={"if-none-match": sent.prelude["headers"]["ETag"]})).sent
    assert (again.prelude["statusCode"], again.content) == (304, b"")


class Counting(io.BytesIO):
    """A file that knows how much of it was read."""

    count = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        data = super().read1(size)
        self.count += len(data)
        return data


def test_of_a_file_only_the_range_is_read_that_the_client_wants(app: Flask) -> None:
    data = bytes(range(256)) * 4000
    file = Counting(data)

    @app.get("/")
    def download() -> Response:
        return send_file(file, "application/zip", conditional=True)

    sent = answer(app, url_event(headers={"range": "bytes=900000-900002"})).sent

    assert sent.prelude["statusCode"] == 206
    assert sent.content == data[900000:900003]
    assert file.count <= 65536
    assert file.closed


def test_what_runs_when_the_response_closes_keeps_no_client_waiting(app: Flask) -> None:
    client = Lockstep(*WORDS)
    ended: list[bool] = []

    @app.get("/")
    def stream() -> Response:
        response = Response(words(client))
        response.call_on_close(lambda: ended.append(client.ended))
        return response

    in_lockstep(app, client)

    assert ended == [True]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_of_a_view_is_flasks_to_answer(app: Flask) -> None:
    @app.get("/")
    def broken() -> str:
        raise ValueError("wrong")

    sent = answer(app).sent

    assert sent.prelude["statusCode"] == 500
    assert b"Internal Server Error" in sent.content


@pytest.mark.parametrize("after", [0, 1])
def test_an_error_of_a_stream_is_the_functions_and_closes_the_response(app: Flask, after: int) -> None:
    closed: list[bool] = []

    @app.get("/")
    def stream() -> Response:
        def chunks() -> Iterator[str]:
            yield from ["one"] * after
            raise ValueError("wrong")

        response = Response(chunks())
        response.call_on_close(lambda: closed.append(True))
        return response

    outcome = invoke(wsgi.handler(validator(app)), url_event())

    if after:
        assert outcome.sent.prelude["statusCode"] == 200
        assert outcome.sent.content == b"one"
        assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"
    else:
        assert outcome.path == "error"
        assert outcome.sent.json["errorType"] == "ValueError"
    assert closed == [True]
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] ValueError: wrong"]


def test_what_nobody_routes_is_not_found(app: Flask) -> None:
    sent = answer(app, url_event("/nowhere")).sent

    assert sent.prelude["statusCode"] == 404
    assert b"Not Found" in sent.content


# --- headers and requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "options", "location"),
    [
        (url_event("/from"), {}, "/to?a=1"),
        (rest_event("/from"), {}, "/prod/to?a=1"),
        (url_event("/v1/from"), {"base_path": "/v1"}, "/v1/to?a=1"),
    ],
)
def test_a_redirect_leads_to_where_the_client_finds_the_app(
    app: Flask, event: Any, options: dict[str, Any], location: str
) -> None:
    @app.get("/from", endpoint="from")
    def come() -> Any:
        return redirect(url_for("to", a=1))

    @app.get("/to")
    def to() -> str:
        return url_for("to", _external=True)

    prelude = answer(app, event, **options).sent.prelude

    assert (prelude["statusCode"], prelude["headers"]["Location"]) == (302, location)


def test_the_apps_own_address_is_the_clients(app: Flask) -> None:
    app.get("/to", endpoint="to")(lambda: url_for("to", _external=True))

    sent = answer(app, rest_event("/to")).sent

    assert sent.content == b"https://id.execute-api.us-east-1.amazonaws.com/prod/to"


def test_cookies_come_and_go(app: Flask) -> None:
    @app.get("/")
    def cookies() -> Response:
        response = Response(repr(sorted(request.cookies.items())))
        response.set_cookie("a", "3", httponly=True)
        response.set_cookie("b", "4")
        return response

    event = {**url_event(headers={"cookie": "a=1; b=2"}), "cookies": ["a=1", "b=2"]}
    sent = answer(app, event).sent

    assert sent.content == b"[('a', '1'), ('b', '2')]"
    assert sent.prelude["cookies"] == ["a=3; HttpOnly; Path=/", "b=4; Path=/"]


def test_an_upload_arrives_byte_by_byte(app: Flask) -> None:
    data = bytes(range(256)) * 3000

    @app.post("/")
    def upload() -> Response:
        file = request.files["file"]
        assert (file.filename, request.form["title"]) == ("a.bin", "é")
        return Response(file.read(), content_type="application/octet-stream")

    content_type, body = multipart({"title": "é"}, {"file": ("a.bin", data)})
    event = url_event(method="POST", headers={"content-type": content_type}, body=body)

    assert answer(app, event).sent.content == data


def test_a_form_and_json_arrive_too(app: Flask) -> None:
    app.post("/form", endpoint="form")(lambda: request.form.getlist("a"))
    app.post("/json", endpoint="json")(lambda: request.json)

    form = {"content-type": "application/x-www-form-urlencoded"}
    json = {"content-type": "application/json"}

    assert (
        answer(app, url_event("/form", method="POST", headers=form, body=b"a=1&a=%202")).sent.content == b'["1"," 2"]\n'
    )
    plain = {**url_event("/json", method="POST", headers=json), "body": '{"a": "é"}'}
    assert answer(app, plain).sent.content == b'{"a":"\\u00e9"}\n'


@pytest.mark.parametrize("make", [url_event, rest_event])
def test_a_path_with_escapes_is_decoded_once(app: Flask, make: Callable[[str], Any]) -> None:
    app.get("/<path:path>", endpoint="path")(lambda path: f"{path}")

    assert answer(app, make("/caf%C3%A9/a%20b%2Fc%2525")).sent.content.decode() == "café/a b/c%25"


def test_a_query_keeps_its_repeats(app: Flask) -> None:
    app.get("/", endpoint="query")(lambda: request.args.getlist("a"))

    assert answer(app, url_event("/?a=1&b=0&a=%2C2&a=")).sent.content == b'["1",",2",""]\n'


def test_head_gets_the_headers_alone(app: Flask) -> None:
    app.get("/", endpoint="get")(lambda: Response("one", headers={"X": "y"}))

    sent = answer(app, url_event(method="HEAD")).sent

    assert (sent.prelude["headers"]["X"], sent.content) == ("y", b"")


def test_event_and_context_are_at_hand(app: Flask) -> None:
    @app.get("/")
    def who() -> str:
        return (
            f"{request.environ['aws.event']['requestContext']['stage']} {request.environ['aws.context'].aws_request_id}"
        )

    assert answer(app).sent.content == b"$default request-1"
