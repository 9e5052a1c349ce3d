import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from http_events import rest_event, url_event
from invoking import DIRECT, HTTP_API, Outcome, invoke, invoke_scripted
from lambda_streamify import testing, wsgi
from lambda_streamify.errors import ChunkTypeError, HandlerError, ResponseError, StreamStateError
from lockstep import Lockstep
from scripted_api import ACCEPTED, Peer

Start = Callable[..., Callable[[bytes], object]]
PLAIN = [("Content-Type", "text/plain")]


class Broken(Exception):
    pass


class Closing:
    """An iterable that records when it is closed."""

    def __init__(self, chunks: Iterable[bytes], close: Callable[[], object] | None = None) -> None:
        self.closed = 0
        self._chunks = chunks
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        self.closed += 1
        if self._close is not None:
            self._close()


def answering(
    body: Iterable[bytes], status: str = "200 OK", headers: list[tuple[str, str]] | None = None
) -> Callable[[Any, Start], Iterable[bytes]]:
    """Return an app that sends this response."""

    def app(_environ: Any, start: Start) -> Iterable[bytes]:
        start(status, PLAIN if headers is None else headers)
        return body

    return app


def answer(app: Any, event: Any = None, **options: Any) -> Outcome:
    """Let an app answer one event. A violation of PEP 3333 on the server's side is an error."""
    outcome = invoke(wsgi.handler(validator(app)), event or url_event(), **options)
    assert outcome.log.errors == []
    return outcome


def asked(event: Any, **options: Any) -> dict[str, Any]:
    """Return the environ that an app gets for an event."""
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        seen.append(dict(environ))
        start("200 OK", PLAIN)
        return []

    outcome = invoke(wsgi.handler(validator(app), **options), event)
    assert outcome.log.errors == []
    return seen[0]


def failing(after: int) -> Iterator[bytes]:
    yield from [b"one"] * after
    raise Broken("midway")


def text(value: str) -> str:
    """Return text as PEP 3333 represents it: its bytes, decoded as Latin-1."""
    return value.encode("utf-8").decode("latin-1")


# --- the body --------------------------------------------------------------------------------------------------------


def test_each_chunk_is_sent_before_the_app_produces_the_next() -> None:
    client = Lockstep(b"one", b"two", b"three")

    def app(_environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", PLAIN)
        for chunk in (b"one", b"", b"two", b"three"):
            yield chunk
            if chunk:
                client.wait()

    invoke_scripted(wsgi.handler(validator(app)), url_event(), client.script)

    assert client.ended


def test_a_written_chunk_is_sent_at_once_and_before_those_that_are_yielded() -> None:
    client = Lockstep(b"one", b"two", b"three")

    def app(_environ: Any, start: Start) -> Iterable[bytes]:
        write = start("200 OK", PLAIN)
        write(b"one")
        client.wait()
        write(b"")
        write(b"two")
        client.wait()
        return [b"three"]

    invoke_scripted(wsgi.handler(validator(app)), url_event(), client.script)

    assert client.ended


@pytest.mark.parametrize("body", [[], [b""], iter(()), (b"" for _ in range(3))])
def test_an_app_that_yields_nothing_still_answers(body: Iterable[bytes]) -> None:
    sent = answer(answering(body, "201 Created")).sent

    assert sent.prelude == {"statusCode": 201, "headers": {"Content-Type": "text/plain"}}
    assert sent.content == b""


@pytest.mark.parametrize(
    ("event", "status", "headers"),
    [
        (url_event(method="HEAD"), "200 OK", PLAIN),
        (url_event(), "204 No Content", []),
        (url_event(), "304 Not Modified", []),
    ],
)
def test_where_http_allows_no_body_the_app_runs_to_its_end_and_none_is_sent(
    event: Any, status: str, headers: Any
) -> None:
    body = Closing(made := iter([b"one", b"two"]))

    sent = answer(answering(body, status, headers), event).sent

    assert sent.prelude["statusCode"] == int(status[:3])
    assert sent.content == b""
    assert list(made) == []
    assert body.closed == 1


@pytest.mark.parametrize(
    ("body", "name"), [(["text"], "str"), ("text", "str"), (b"bytes", "int"), ([None], "NoneType")]
)
def test_a_chunk_that_is_not_bytes_is_an_error_that_says_what_to_do(body: Any, name: str) -> None:
    outcome = invoke(wsgi.handler(answering(body)), url_event())

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "ChunkTypeError"
    assert f"has yielded {name}; it must yield bytes" in outcome.sent.json["errorMessage"]


def test_a_chunk_may_be_a_buffer() -> None:
    body: Any = [bytearray(b"one"), memoryview(b"two")]

    assert invoke(wsgi.handler(answering(body)), url_event()).sent.content == b"onetwo"


# --- start_response --------------------------------------------------------------------------------------------------


def test_status_and_headers_wait_for_the_first_chunk_that_is_not_empty() -> None:
    def app(_environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", PLAIN)
        yield b""
        try:
            next(failing(0))
        except Broken:
            start("503 Service Unavailable", [*PLAIN, ("Retry-After", "7")], sys.exc_info())
        yield b"later"

    sent = answer(app).sent

    assert sent.prelude == {"statusCode": 503, "headers": {"Content-Type": "text/plain", "Retry-After": "7"}}
    assert sent.content == b"later"


def test_an_error_after_the_first_byte_is_raised_again_and_sent_at_the_end() -> None:
    original = Broken("midway")
    seen: list[BaseException] = []

    def app(_environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", PLAIN)
        yield b"one"
        try:
            raise original
        except Broken:
            try:
                start("500 Internal Server Error", PLAIN, sys.exc_info())
            except Broken as error:
                seen.append(error)
                raise

    outcome = invoke(wsgi.handler(validator(app)), url_event())

    assert seen == [original]
    assert outcome.sent.prelude["statusCode"] == 200
    assert outcome.sent.content == b"one"
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert len(outcome.log.errors) == 1


def test_start_response_may_be_called_as_late_as_for_the_first_chunk() -> None:
    def app(_environ: Any, start: Start) -> Iterator[bytes]:
        yield b""  # like a middleware that waits for the next chunk of its app
        start("200 OK", PLAIN)
        yield b"one"

    assert invoke(wsgi.handler(app), url_event()).sent.content == b"one"


@pytest.mark.parametrize("body", [[], [b"one"]])
def test_an_app_that_never_gives_a_status_is_an_error(body: list[bytes]) -> None:
    closing = Closing(body)
    outcome = invoke(wsgi.handler(lambda _environ, _start: closing), url_event())

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "ResponseError"
    assert "must call start_response" in outcome.sent.json["errorMessage"]
    assert closing.closed == 1


def test_a_second_call_without_an_error_is_refused() -> None:
    def app(_environ: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        with pytest.raises(ResponseError, match="start_response twice"):
            start("404 Not Found", PLAIN)
        return [b"one"]

    assert answer(app).sent.prelude["statusCode"] == 200


@pytest.mark.parametrize(("status", "expected"), [("404 Not Found", 404), ("200 ", 200), ("299", 299)])
def test_the_status_is_the_number_before_the_reason(status: str, expected: int) -> None:
    outcome = invoke(wsgi.handler(answering([], status)), url_event())

    assert outcome.sent.prelude["statusCode"] == expected


@pytest.mark.parametrize("status", ["", "OK", "20 OK", "2000 OK", "-20 OK", 200, b"200 OK", None])
def test_an_invalid_status_is_an_error_that_shows_it(status: Any) -> None:
    def app(_environ: Any, start: Start) -> Iterable[bytes]:
        with pytest.raises(ResponseError) as caught:
            start(status, PLAIN)
        assert repr(status) in str(caught.value)
        start("200 OK", PLAIN)
        return []

    answer_of = invoke(wsgi.handler(app), url_event())
    assert answer_of.log.errors == []


@pytest.mark.parametrize("header", ["ab", ("a",), ("a", 1), (b"a", b"b"), ("a", "b", "c"), None])
def test_a_header_that_is_not_a_pair_of_strings_is_an_error_that_shows_it(header: Any) -> None:
    outcome = invoke(wsgi.handler(answering([], headers=[header])), url_event())

    assert outcome.path == "error"
    assert repr(header) in outcome.sent.json["errorMessage"]


def test_a_header_with_a_line_break_is_an_error() -> None:
    outcome = invoke(wsgi.handler(answering([b"one"], headers=[("X", "a\r\nSet-Cookie: b")])), url_event())

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "ResponseError"


def test_cookies_stay_separate_and_other_repeated_headers_are_joined() -> None:
    headers = [*PLAIN, ("Set-Cookie", " a=1"), ("Vary", "Cookie "), ("set-cookie", "b=2; Secure"), ("vary", "Origin")]

    assert answer(answering([b"one"], headers=headers)).sent.prelude == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain", "Vary": "Cookie, Origin"},
        "cookies": ["a=1", "b=2; Secure"],
    }


def test_length_and_headers_of_the_connection_are_dropped() -> None:
    headers = [*PLAIN, ("Content-Length", "99"), ("Transfer-Encoding", "chunked"), ("Connection", "close")]

    sent = answer(answering([b"one"], headers=headers)).sent

    assert sent.prelude["headers"] == {"Content-Type": "text/plain"}
    assert sent.content == b"one"


# --- the end ---------------------------------------------------------------------------------------------------------


def test_the_response_ends_before_close_is_called() -> None:
    client = Lockstep(b"one")
    ended: list[bool] = []
    body = Closing([b"one"], lambda: ended.append(client.ended))

    _, log = invoke_scripted(wsgi.handler(validator(answering(body))), url_event(), client.script)

    assert ended == [True]
    assert log.errors == []


def test_an_error_of_close_is_only_logged() -> None:
    outcome = invoke(wsgi.handler(answering(Closing([b"one"], closing_badly))), url_event())

    assert outcome.sent.content == b"one"
    assert outcome.sent.trailers == {}
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] ValueError: too late"]


@pytest.mark.parametrize("after", [0, 1])
def test_close_is_called_after_an_error_too(after: int) -> None:
    body = Closing(failing(after))

    outcome = invoke(wsgi.handler(validator(answering(body))), url_event())

    assert body.closed == 1
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]


def test_an_error_is_sent_before_close_is_called() -> None:
    def script(peer: Peer) -> None:
        peer.read_until(b"\r\n\r\n")
        told.append(b"Function.Broken" in peer.read_chunked_body())
        peer.send(ACCEPTED)

    told: list[bool] = []
    seen: list[bool] = []
    body = Closing(failing(1), lambda: seen.extend(told))

    invoke_scripted(wsgi.handler(answering(body)), url_event(), script)

    assert seen == [True]


def closing_badly() -> None:
    raise ValueError("too late")


def test_an_error_of_close_does_not_hide_the_error_before_it(caplog: pytest.LogCaptureFixture) -> None:
    outcome = invoke(wsgi.handler(answering(Closing(failing(1), closing_badly))), url_event())

    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]
    assert "ValueError: too late" in caplog.text


def test_under_another_runtime_an_error_of_close_does_not_replace_the_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = wsgi.handler(answering(Closing([b"one"], closing_badly)))(url_event(), None)

    assert reply["body"] == "one"
    assert "ValueError: too late" in caplog.text


def test_a_generators_finally_runs_when_the_app_fails() -> None:
    seen: list[str] = []

    def app(_environ: Any, start: Start) -> Iterator[Any]:
        start("200 OK", PLAIN)
        try:
            yield b"one"
            yield "not bytes"
        finally:
            seen.append("closed")

    outcome = invoke(wsgi.handler(app), url_event())

    assert seen == ["closed"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.ChunkTypeError"


def test_an_error_before_the_first_byte_is_the_functions() -> None:
    def app(_environ: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        raise Broken("early")

    outcome = invoke(wsgi.handler(app), url_event())

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "Broken"


def test_a_kept_write_function_cannot_write_in_the_next_request() -> None:
    kept: list[Callable[[bytes], object]] = []

    def first(_environ: Any, start: Start) -> Iterable[bytes]:
        kept.append(start("200 OK", PLAIN))
        raise Broken

    def second(_environ: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        with pytest.raises(StreamStateError, match="request is over"):
            kept[0](b"from before")
        return [b"second"]

    invoke(wsgi.handler(first), url_event())

    assert answer(second).sent.content == b"second"


# --- wsgi.file_wrapper -----------------------------------------------------------------------------------------------


class File(io.BytesIO):
    """A file that records the size of each read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked: list[int | None] = []

    def read1(self, size: int | None = -1, /) -> bytes:
        self.asked.append(size)
        return super().read1(size)


def test_a_file_is_read_in_blocks_from_its_position_and_closed() -> None:
    file = File(b"x" * 200_000)
    file.seek(1000)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        body: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 4096)
        return body

    sent = answer(app).sent

    assert sent.content == b"x" * 199_000
    assert len(sent.chunks) == 5
    assert set(file.asked) == {64 * 1024}
    assert file.closed


def test_a_file_may_have_no_close() -> None:
    class Readable:
        def __init__(self) -> None:
            self._blocks = [b"one", b"two", b""]

        def read(self, size: int) -> bytes:
            return self._blocks.pop(0)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        body: Iterable[bytes] = environ["wsgi.file_wrapper"](Readable())
        return body

    assert answer(app).sent.content == b"onetwo"


# --- the request -----------------------------------------------------------------------------------------------------


def test_the_environ_of_a_function_url() -> None:
    event = url_event("/a%20b/%C3%A9?q=1&q=%202", headers={"x-one": "1", "content-type": "text/plain"})
    environ = asked(event)

    assert {name: value for name, value in environ.items() if name.isupper() and not name.startswith("HTTP_")} == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": text("/a b/é"),
        "QUERY_STRING": "q=1&q=%202",
        "REQUEST_URI": "/a%20b/%C3%A9?q=1&q=%202",
        "RAW_URI": "/a%20b/%C3%A9?q=1&q=%202",
        "CONTENT_TYPE": "text/plain",
        "SERVER_NAME": "0123456789abcdef0123456789abcdef.lambda-url.us-east-1.on.aws",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.9",
    }
    assert environ["HTTP_X_ONE"] == "1"
    assert environ["HTTP_USER_AGENT"] == "curl/8.4.0"
    assert environ["HTTP_HOST"] == environ["SERVER_NAME"]
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["wsgi.version"] == (1, 0)
    assert (environ["wsgi.multithread"], environ["wsgi.multiprocess"], environ["wsgi.run_once"]) == (False, True, False)


def test_the_environ_has_the_event_and_the_context() -> None:
    event = url_event()
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        seen.append(environ)
        start("200 OK", PLAIN)
        return []

    testing.call(wsgi.handler(app), event, context := object())

    assert seen[0]["aws.event"] is event
    assert seen[0]["aws.context"] is context


@pytest.mark.parametrize(
    ("raw", "path"),
    [("/%ff%00", "/\xff\0"), ("/a%2Fb", "/a/b"), ("/%zz", "/%zz"), ("//a/../b", "//a/../b"), ("/é", text("/é"))],
)
def test_the_path_is_decoded_to_bytes(raw: str, path: str) -> None:
    assert asked(url_event(raw))["PATH_INFO"] == path


def test_a_stage_is_the_script_name() -> None:
    environ = asked(rest_event("/items/1"))

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/prod", "/items/1")
    assert environ["REQUEST_URI"] == "/prod/items/1"


@pytest.mark.parametrize("base_path", ["/v1", "v1", "/v1/"])
def test_a_base_path_is_the_script_name(base_path: str) -> None:
    environ = asked(url_event("/v1/items%20"), base_path=base_path)

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/v1", "/items ")
    assert environ["REQUEST_URI"] == "/v1/items%20"


def test_a_base_path_may_need_escapes() -> None:
    environ = asked(url_event("/%C3%A9/x"), base_path="/é")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (text("/é"), "/x")


def test_repeated_headers_are_joined_and_so_are_cookies() -> None:
    repeated = {"X-Twice": ["a", "b"], "Cookie": ["c=1", "d=2"]}
    environ = asked(rest_event(multiValueHeaders=repeated))

    assert environ["HTTP_X_TWICE"] == "a,b"
    assert environ["HTTP_COOKIE"] == "c=1; d=2"


def test_a_header_name_with_an_underscore_is_dropped() -> None:
    environ = asked(url_event(headers={"x_forwarded_for": "forged", "content_length": "7"}))

    assert environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.9"
    assert "CONTENT_LENGTH" not in environ


def test_the_body_is_decoded_and_content_length_matches() -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", PLAIN)
        length = int(environ["CONTENT_LENGTH"])
        return [environ["wsgi.input"].read(2), environ["wsgi.input"].read(length), environ["CONTENT_LENGTH"].encode()]

    sent = answer(app, url_event(method="POST", body=b"\xff\0one")).sent

    assert sent.chunks[1:] == [b"\xff\0", b"one", b"5"]


def test_a_request_without_a_body_has_an_empty_input() -> None:
    environ = asked(url_event())

    assert "CONTENT_LENGTH" not in environ
    assert environ["wsgi.input"].read(1) == b""


def test_errors_that_the_app_writes_go_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        environ["wsgi.errors"].write("something\n")
        environ["wsgi.errors"].flush()
        start("200 OK", PLAIN)
        return []

    answer(app)

    assert capfd.readouterr().err == "something\n"


def test_an_object_that_is_not_an_app_is_refused_at_once() -> None:
    with pytest.raises(HandlerError, match="the app is a str; it must be a WSGI application"):
        wsgi.handler("app:app")  # type: ignore[arg-type]


def test_an_empty_base_path_leaves_the_stage_out() -> None:
    environ = asked(rest_event("/items"), base_path="")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/items")


def test_an_event_that_is_no_http_request_is_an_error() -> None:
    with pytest.raises(HandlerError, match="not an HTTP request"):
        wsgi.handler(answering([]))(DIRECT, None)


# --- callers that get no stream --------------------------------------------------------------------------------------


def test_callers_that_get_no_stream_get_a_buffered_response() -> None:
    event = {**HTTP_API, "rawPath": "/", "requestContext": {**HTTP_API["requestContext"], "http": {"method": "GET"}}}

    reply = answer(answering([b"one", b"two"], "201 Created", [*PLAIN, ("Set-Cookie", "a=1")]), event).sent.json

    assert (reply["statusCode"], reply["body"], reply["cookies"]) == (201, "onetwo", ["a=1"])


def test_under_another_runtime_the_handler_returns_a_proxy_dict() -> None:
    assert wsgi.handler(validator(answering([b"one", b"two"])))(url_event(), None) == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
        "body": "onetwo",
        "isBase64Encoded": False,
    }


def test_a_unit_test_can_call_the_handler() -> None:
    response = testing.call(wsgi.handler(answering([b"one", b"", b"two"], "404 Not Found")), url_event())

    assert (response.status_code, response.chunks) == (404, [b"one", b"two"])


def test_a_unit_test_sees_the_apps_error() -> None:
    with pytest.raises(ChunkTypeError):
        testing.call(wsgi.handler(answering(["text"])), url_event())  # type: ignore[list-item]


def test_a_decorator_of_the_handler_sees_status_and_headers() -> None:
    returned: list[Any] = []
    handler = wsgi.handler(answering([b"one"], "201 Created"))

    def outer(event: Any, context: Any) -> Any:
        returned.append(handler(event, context))
        return returned[0]

    outcome = invoke(outer, url_event())

    assert returned == [{"statusCode": 201, "headers": {"Content-Type": "text/plain"}, "body": ""}]
    assert outcome.sent.content == b"one"
    assert outcome.log.messages == []
