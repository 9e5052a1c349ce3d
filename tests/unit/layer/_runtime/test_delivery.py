"""The delivery of one answer: who may send it, how it ends, and what happens if the function's code interferes."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from io import BytesIO
from threading import Event
from typing import Any

import pytest

from invoking import (
    DIRECT,
    FUNCTION_URL,
    HTTP_API,
    REST_API,
    Handler,
    Log,
    Loop,
    Outcome,
    invoke,
    invoke_scripted,
    no_loop,
)
from lambda_streamify import open_stream, streaming
from lambda_streamify._core import current
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._response.writer import ResponseWriter
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify._wire.response_stream import ResponseStream
from lambda_streamify.errors import ResponseError, RuntimeApiError, StreamStateError
from raising_alarm import alarm_raises
from scripted_api import ACCEPTED, WAIT, Peer, ScriptedApi, answers, invocation, reply
from sent import parse

HEAD: dict[str, Any] = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}
LARGE = b"x" * (16 * 1024 * 1024)  # more than a socket takes in one send


class Broken(Exception):
    pass


def bounded(function: Callable[[], Any]) -> Any:
    """Run the function in a thread, so that one that waits for ever fails its test, and return its result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(2 * WAIT)
    assert not thread.is_alive(), "the invocation never ends"
    assert results, "the invocation has raised"
    return results[0]


# --- a write whose event loop has stopped ----------------------------------------------------------------------------


def leaves_half_a_write(error: "Exception | None" = None) -> Handler:
    """A sync handler whose own event loop stops during a write. Then it raises `error`."""

    def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        writer.write("start ")

        async def main() -> None:
            tasks.append(asyncio.ensure_future(writer.awrite(LARGE)))
            await asyncio.sleep(0)

        stopped = asyncio.new_event_loop()
        loops.append(stopped)
        stopped.run_until_complete(main())
        assert not tasks[-1].done()
        left.set()
        if error is not None:
            raise error

    return handler


tasks: list["asyncio.Task[None]"] = []
loops: list[asyncio.AbstractEventLoop] = []
left = Event()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (None, "[ERROR] StreamStateError: a task is writing to the response, but its event loop has stopped: "),
        (ValueError("why"), "[ERROR] ValueError: why"),
    ],
)
def test_a_write_whose_event_loop_has_stopped_ends_the_invocation_with_an_error(
    error: "Exception | None", message: str
) -> None:
    def script(peer: Peer) -> None:
        assert left.wait(WAIT)  # nobody reads before that
        peer.answer(ACCEPTED)

    left.clear()
    [request], log = bounded(lambda: invoke_scripted(leaves_half_a_write(error), FUNCTION_URL, script))

    assert parse(request).content == b"start " + LARGE
    assert parse(request).trailers["lambda-runtime-function-error-type"] == "Function." + (
        type(error).__name__ if error else "StreamStateError"
    )
    [logged] = log.errors
    assert logged[0].startswith(message)
    tasks[-1].cancel()
    loops[-1].run_until_complete(asyncio.wait(tasks[-1:]))
    loops[-1].close()


# --- the kinds of body, and how they are closed ----------------------------------------------------------------------


class Source:
    """A sync body that records that it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        return iter(["one", "two"])

    def __next__(self) -> str:
        raise AssertionError("iterated though it hands out an iterator")

    def close(self) -> None:
        self.closed = True


class SelfWriting(Source):
    def write_to(self, writer: ResponseWriter) -> None:
        writer.write("by ")
        writer.write("itself")


class AsyncSource:
    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[str]:
        yield "one"
        yield "two"

    async def __anext__(self) -> str:
        raise AssertionError("iterated though it hands out an iterator")

    async def aclose(self) -> None:
        self.closed = True


class AsyncSelfWriting(AsyncSource):
    async def awrite_to(self, writer: ResponseWriter) -> None:
        await writer.awrite("by ")
        await asyncio.sleep(0)
        await writer.awrite("itself")


def returning(result: Any) -> Handler:
    return lambda *_: result


def awaiting(result: Any) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        await asyncio.sleep(0)
        return result

    return handler


every_body = pytest.mark.parametrize("kind", [Source, SelfWriting, AsyncSource, AsyncSelfWriting])
every_way = pytest.mark.parametrize("way", [returning, awaiting])


@every_way
@pytest.mark.parametrize("kind", [SelfWriting, AsyncSelfWriting])
@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API, DIRECT], ids=["function URL", "REST API", "direct"])
def test_a_body_that_writes_itself_writes_and_is_closed(
    kind: Callable[[], Any], way: Callable[[Any], Handler], event: Any, loop: Loop
) -> None:
    body = kind()

    sent = invoke(way({"body": body}), event, loop=loop).sent

    assert sent.chunks[0 if event is DIRECT else 1 :] == [b"by ", b"itself"]
    assert body.closed


@every_way
@every_body
def test_a_body_that_writes_itself_is_iterated_for_a_buffered_response(
    kind: Callable[[], Any], way: Callable[[Any], Handler], loop: Loop
) -> None:
    body = kind()

    assert invoke(way({"body": body}), HTTP_API, loop=loop).sent.json["body"] == "onetwo"
    assert body.closed


@every_way
@every_body
@pytest.mark.parametrize("response", [{}, {"statusCode": 204}, {"statusCode": 304}])
def test_where_http_forbids_a_body_a_body_that_writes_itself_is_only_closed(
    kind: Callable[[], Any], way: Callable[[Any], Handler], response: dict[str, Any], loop: Loop
) -> None:
    body = kind()

    sent = invoke(way({**response, "body": body}), FUNCTION_URL if response else HEAD, loop=loop).sent

    assert (sent.content, len(sent.chunks)) == (b"", 1)
    assert body.closed


@every_way
def test_a_file_is_closed_where_http_forbids_a_body(way: Callable[[Any], Handler], loop: Loop) -> None:
    file = BytesIO(b"x")

    assert invoke(way({"body": file}), HEAD, loop=loop).sent.content == b""
    assert file.closed


@every_way
@every_body
def test_a_body_whose_eager_response_cannot_be_sent_is_closed(
    kind: Callable[[], Any], way: Callable[[Any], Handler], loop: Loop
) -> None:
    body = kind()

    outcome = invoke(way(StreamingResponse(body, 99, eager=True)), FUNCTION_URL, loop=loop)

    assert outcome.path == "error"
    assert body.closed


@every_way
@every_body
def test_the_body_of_a_second_response_is_closed_too(
    kind: Callable[[], Any], way: Callable[[Any], Handler], loop: Loop
) -> None:
    body = kind()
    second = way({"body": body})

    def handler(event: Any, context: Any) -> Any:
        open_stream().write("first")
        return second(event, context)

    outcome = invoke(handler, FUNCTION_URL, loop=loop)

    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.ResponseError"
    assert body.closed


@every_way
@pytest.mark.parametrize("kind", [SelfWriting, AsyncSelfWriting])
def test_the_head_of_an_eager_response_is_sent_before_its_body_writes_itself(
    kind: Any, way: Callable[[Any], Handler], loop: Loop
) -> None:
    opened = Event()

    class Waiting(kind):  # type: ignore[misc]
        def write_to(self, writer: ResponseWriter) -> None:
            assert opened.wait(WAIT)
            super().write_to(writer)

        async def awrite_to(self, writer: ResponseWriter) -> None:
            assert opened.wait(WAIT)
            await super().awrite_to(writer)

    for other in {"write_to", "awrite_to"} - set(kind.__dict__):
        setattr(Waiting, other, property())  # so that `hasattr` is false

    def script(peer: Peer) -> None:
        peer.read_until(bytes(8) + b"\r\n")
        opened.set()
        assert b"by " in peer.read_chunked_body()
        peer.send(ACCEPTED)

    _, log = invoke_scripted(way(StreamingResponse(Waiting(), eager=True)), FUNCTION_URL, script, loop=loop)
    assert log.errors == []


def test_a_body_that_writes_nothing_is_an_empty_response() -> None:
    class Silent(Source):
        def write_to(self, writer: ResponseWriter) -> None:
            pass

    sent = invoke(returning({"statusCode": 202, "body": Silent()}), FUNCTION_URL).sent

    assert (sent.prelude["statusCode"], sent.content) == (202, b"")


def test_an_error_of_a_body_that_writes_itself_is_reported_like_any_other(loop: Loop) -> None:
    class Early(Source):
        def write_to(self, writer: ResponseWriter) -> None:
            raise Broken("early")

    class Late(AsyncSource):
        async def awrite_to(self, writer: ResponseWriter) -> None:
            await writer.awrite("one")
            raise Broken("late")

    early, late = Early(), Late()

    assert invoke(returning({"body": early}), FUNCTION_URL).sent.json["errorMessage"] == "early"
    assert invoke(returning({"body": late}), FUNCTION_URL, loop=loop).sent.trailed_error["errorMessage"] == "late"
    assert (early.closed, late.closed) == (True, True)


def test_a_body_cannot_write_after_its_end() -> None:
    kept: list[ResponseWriter] = []

    class Keeping(Source):
        def write_to(self, writer: ResponseWriter) -> None:
            kept.append(writer)
            writer.write("one")

    assert invoke(returning({"body": Keeping()}), DIRECT).sent.chunks == [b"one"]
    with pytest.raises(StreamStateError, match="the response is over"):
        kept[0].write("two")


# --- a writer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "status"), [(HEAD, 200), (FUNCTION_URL, 204), (FUNCTION_URL, 304)])
def test_what_is_written_to_a_response_without_body_is_not_sent(event: Any, status: int, loop: Loop) -> None:
    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream(status, {"x": "y"})
        await out.awrite("one")
        out.write("two")
        await out.awrite("three")

    sent = invoke(handler, event, loop=loop).sent

    assert (sent.prelude["statusCode"], sent.prelude["headers"]["x"], len(sent.chunks)) == (status, "y", 1)


@pytest.mark.parametrize("form", [{"body": iter(["x"])}, {"body": "x"}])
def test_repeated_headers_stay_repeated_for_a_rest_api_alone(form: dict[str, Any]) -> None:
    result = {**form, "statusCode": 200, "multiValueHeaders": {"Vary": ["a", "b"], "Set-Cookie": ["a=1", "b=2"]}}

    streamed = invoke(returning(result), REST_API, mode="response_stream").sent.prelude

    assert streamed["multiValueHeaders"] == {"Vary": ["a", "b"]}
    assert streamed["cookies"] == ["a=1", "b=2"]


def test_repeated_headers_are_joined_for_a_function_url() -> None:
    result = {"body": "x", "statusCode": 200, "multiValueHeaders": {"Vary": ["a", "b"], "Set-Cookie": ["a=1", "b=2"]}}

    prelude = invoke(returning(result), FUNCTION_URL).sent.prelude

    assert prelude["headers"]["Vary"] == "a, b"
    assert prelude["cookies"] == ["a=1", "b=2"]
    assert "multiValueHeaders" not in prelude


def test_a_generator_that_opens_a_stream_is_an_error_of_two_responses() -> None:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        open_stream()
        yield "never"

    outcome = invoke(handler, FUNCTION_URL)

    assert outcome.path == "error"
    assert "there are two responses" in outcome.sent.json["errorMessage"]


def test_decorating_with_streaming_twice_is_the_same_as_once() -> None:
    sent = invoke(streaming(streaming(returning({"statusCode": 201, "body": iter(["x"])}))), FUNCTION_URL).sent

    assert (sent.prelude["statusCode"], sent.content) == (201, b"x")


def test_a_method_can_be_decorated() -> None:
    class Function:
        word = "mine"

        @streaming
        def handle(self, _event: Any, _context: Any) -> Iterator[str]:
            yield self.word

    assert invoke(Function().handle, FUNCTION_URL).sent.content == b"mine"


def test_a_response_that_a_module_keeps_is_the_same_in_each_invocation() -> None:
    kept = StreamingResponse(["one"], headers={"x": "y"})

    def handler(event: Any, context: Any) -> Any:
        result = streaming(returning(kept))(event, context)
        result["headers"]["x-request"] = "this one only"
        return result

    preludes = [invoke(handler, FUNCTION_URL).sent.prelude for _ in range(2)]

    assert preludes[0] == preludes[1]
    assert kept.headers == {"x": "y"}


@pytest.mark.parametrize("event", [FUNCTION_URL, HTTP_API], ids=["function URL", "HTTP API"])
def test_the_writer_of_a_discarded_response_cannot_write_to_its_replacement(event: Any) -> None:
    kept: list[ResponseWriter] = []

    @streaming
    def failing(_event: Any, _context: Any) -> None:
        kept.append(open_stream())
        raise Broken("before the first chunk")

    def body() -> Iterator[str]:
        yield "one "
        with pytest.raises(StreamStateError, match="the response is over"):
            kept[0].write("from the dropped one ")
        kept[0].close()
        assert kept[0].closed
        yield "two"

    def handler(event: Any, context: Any) -> Any:
        with suppress(Broken):
            failing(event, context)
        return {"statusCode": 503, "body": body()}

    sent = invoke(handler, event).sent

    assert (sent.json["body"].encode() if event is HTTP_API else sent.content) == b"one two"


# --- threads and tasks that are writing when the handler ends --------------------------------------------------------


def test_a_thread_that_opens_the_response_while_the_handler_fails_leaves_it_ended_with_trailers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening, failing = Event(), Event()

    def factory(_: object, *arguments: Any) -> ResponseStream:
        opening.set()
        assert failing.wait(WAIT)
        return ResponseStream(*arguments)

    monkeypatch.setattr(current, "stream_factory", factory)
    threads: list[threading.Thread] = []

    class Error(Exception):
        """Raised just before the thread sends the first chunk."""

        def __init__(self) -> None:
            # The handler's frames end before the thread continues, so the runtime waits for the lock while it is held.
            threading.Timer(0.05, failing.set).start()

    @streaming
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        threads.append(threading.Thread(target=out.write, args=("one",)))
        threads[0].start()
        assert opening.wait(WAIT)
        raise Error

    outcome = invoke(handler, FUNCTION_URL)
    threads[0].join(WAIT)

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Error"


def while_a_task_writes(then: Callable[[], Any], loop: Loop) -> tuple[bytes, Log]:
    """Run an invocation whose handler ends with `then` while one of its tasks has sent half of a large chunk."""
    left = Event()

    def script(peer: Peer) -> None:
        assert left.wait(WAIT)
        bodies.append(peer.read_request())
        peer.send(ACCEPTED)

    bodies: list[bytes] = []
    tasks: list[Any] = []

    async def handler(_event: Any, _context: Any) -> Any:
        out = open_stream()
        tasks.append(asyncio.ensure_future(out.awrite(LARGE)))
        tasks.append(asyncio.ensure_future(waiting(out)))
        await asyncio.sleep(0)
        left.set()
        return then()

    async def waiting(out: ResponseWriter) -> None:
        with suppress(StreamStateError):
            await out.awrite("waits for the one before")

    _, log = bounded(lambda: invoke_scripted(handler, DIRECT, script, loop=loop))
    return bodies[0], log


def test_a_task_that_writes_when_the_handler_returns_finishes_its_chunk(loop: Loop) -> None:
    body, _ = while_a_task_writes(lambda: None, loop)

    assert parse(body).body.startswith(LARGE)
    assert parse(body).trailers == {}


def test_a_task_that_writes_when_the_handler_fails_finishes_its_chunk_before_the_trailers(loop: Loop) -> None:
    def fail() -> None:
        raise Broken("meanwhile")

    body, log = while_a_task_writes(fail, loop)

    assert parse(body).body.startswith(LARGE)
    assert parse(body).trailed_error["errorMessage"] == "meanwhile"
    assert len(log.errors) == 1


def test_a_task_that_writes_finishes_its_chunk_if_the_response_ends_in_the_event_loop(loop: Loop) -> None:
    left = Event()
    bodies: list[bytes] = []
    tasks: list[Any] = []

    def script(peer: Peer) -> None:
        assert left.wait(WAIT)
        bodies.append(peer.read_request())
        peer.send(ACCEPTED)

    @streaming
    async def inner(_event: Any, _context: Any) -> None:
        tasks.append(asyncio.ensure_future(open_stream().awrite(LARGE)))
        await asyncio.sleep(0)
        left.set()

    async def outer(event: Any, context: Any) -> Any:
        return await inner(event, context)

    bounded(lambda: invoke_scripted(outer, DIRECT, script, loop=loop))

    assert parse(bodies[0]).body == LARGE


@pytest.mark.parametrize("call", [lambda out: out.write("x"), lambda out: out.close(), lambda _: open_stream()])
def test_a_call_that_would_wait_for_a_task_of_its_own_event_loop_is_an_error(
    call: Callable[[ResponseWriter], Any], loop: Loop
) -> None:
    left = Event()

    def script(peer: Peer) -> None:
        assert left.wait(WAIT)
        assert parse(peer.read_request()).body == LARGE
        peer.send(ACCEPTED)

    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        task = asyncio.ensure_future(out.awrite(LARGE))
        await asyncio.sleep(0)
        try:
            with pytest.raises(StreamStateError, match="await"):
                call(out)
        finally:
            left.set()
        await task

    _, log = bounded(lambda: invoke_scripted(handler, DIRECT, script, loop=loop))
    assert log.errors == []


def test_a_thread_that_waits_for_a_slow_reader_finishes_its_chunk_before_the_end() -> None:
    left = Event()

    def script(peer: Peer) -> None:
        assert left.wait(WAIT)
        bodies.append(parse(peer.read_request()).body)
        peer.send(ACCEPTED)

    bodies: list[bytes] = []

    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        out.write("first")
        threading.Thread(target=out.write, args=(LARGE,), daemon=True).start()
        while not out._sink.lock._lock.locked():  # noqa: SLF001 - until the thread holds it
            pass
        left.set()

    bounded(lambda: invoke_scripted(handler, DIRECT, script))

    assert bodies == [b"first" + LARGE]


# --- the Runtime API refuses, and the function's code catches the error ----------------------------------------------


def refusing_the_head(status: int) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        peer.read_until(b"\r\none\r\n")
        peer.send(reply(status, b"no"))

    return script


def refusing_the_end(status: int) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(reply(status, b"no"))

    return script


def swallows_in_write(_event: Any, _context: Any) -> None:
    out = open_stream()
    out.write("one")
    with suppress(Exception):
        while True:
            out.write(LARGE)


def swallows_every_write(_event: Any, _context: Any) -> None:
    out = open_stream()
    out.write("one")
    failures = 0
    while failures < 3:
        try:
            out.write(LARGE)
        except RuntimeApiError:  # noqa: PERF203 - what is tested
            failures += 1


async def swallows_in_awrite(_event: Any, _context: Any) -> None:
    out = open_stream()
    await out.awrite("one")
    with suppress(Exception):
        while True:
            await out.awrite(LARGE)


@streaming
def _endless(_event: Any, _context: Any) -> Iterator[bytes]:
    yield b"one"
    while True:
        yield LARGE


def swallows_around_streaming(event: Any, context: Any) -> Any:
    try:
        return _endless(event, context)
    except Exception:  # noqa: BLE001 - what is tested
        return {"statusCode": 200, "body": "all is well"}


def raises_another(event: Any, context: Any) -> Any:
    try:
        return _endless(event, context)
    except RuntimeApiError:
        raise Broken("instead") from None


class _WritesItself(Source):
    def write_to(self, writer: ResponseWriter) -> None:
        swallows_every_write_to(writer)


def swallows_every_write_to(writer: ResponseWriter) -> None:
    writer.write("one")
    with suppress(Exception):
        while True:
            writer.write(LARGE)


while_writing = pytest.mark.parametrize(
    "handler",
    [
        swallows_in_write,
        swallows_every_write,
        swallows_in_awrite,
        swallows_around_streaming,
        raises_another,
        lambda *_: {"body": _WritesItself()},
    ],
)


@while_writing
@pytest.mark.parametrize("status", [403, 500])
def test_a_refused_write_whose_error_is_caught_still_ends_the_process(
    handler: Handler, status: int, loop: Loop
) -> None:
    with pytest.raises(RuntimeApiError, match=f"answered {status} to response"):
        invoke_scripted(handler, DIRECT, refusing_the_head(status), loop=loop)


@while_writing
@pytest.mark.parametrize("status", [400, 410, 413])
def test_a_write_that_is_refused_as_too_late_or_too_large_does_not_end_the_process(
    handler: Handler, status: int, loop: Loop
) -> None:
    _, log = invoke_scripted(handler, DIRECT, refusing_the_head(status), loop=loop)

    assert [message for message in log.messages if f"the Runtime API answered {status}" in message]


def swallows_in_close(_event: Any, _context: Any) -> None:
    out = open_stream()
    out.write("one")
    with suppress(Exception):
        out.close()
    with suppress(Exception):
        out.close()


def swallows_in_with(_event: Any, _context: Any) -> None:
    with suppress(Exception), open_stream() as out:
        out.write("one")


@streaming
def _short(_event: Any, _context: Any) -> Iterator[bytes]:
    yield b"one"


def swallows_the_end(event: Any, context: Any) -> Any:
    with suppress(Exception):
        return _short(event, context)


@streaming
def _failing(_event: Any, _context: Any) -> Iterator[bytes]:
    yield b"one"
    raise Broken


def swallows_the_trailers(event: Any, context: Any) -> Any:
    with suppress(Exception):
        return _failing(event, context)


SWALLOWING: list[Handler] = [swallows_in_close, swallows_in_with, swallows_the_end, swallows_the_trailers]


@pytest.mark.parametrize(
    ("handler", "event"),
    [
        *((handler, event) for handler in SWALLOWING for event in (DIRECT, FUNCTION_URL)),
        *((handler, HTTP_API) for handler in SWALLOWING[:-1]),  # a collected response has no trailers
    ],
)
@pytest.mark.parametrize("status", [403, 500])
def test_a_refused_end_whose_error_is_caught_still_ends_the_process(handler: Handler, event: Any, status: int) -> None:
    with pytest.raises(RuntimeApiError, match=f"answered {status} to response"):
        invoke_scripted(handler, event, refusing_the_end(status))


@pytest.mark.parametrize("handler", SWALLOWING)
@pytest.mark.parametrize("status", [400, 410, 413])
def test_an_end_that_is_refused_as_too_late_or_too_large_does_not_end_the_process(
    handler: Handler, status: int
) -> None:
    _, log = invoke_scripted(handler, DIRECT, refusing_the_end(status))

    assert [message for message in log.messages if f"the Runtime API answered {status} to response" in message]


def test_a_runtime_api_error_that_the_function_raises_itself_is_an_ordinary_error() -> None:
    def early(_event: Any, _context: Any) -> None:
        raise RuntimeApiError("of another API")

    def late(_event: Any, _context: Any) -> Iterator[str]:
        yield "one"
        raise RuntimeApiError("of another API")

    assert invoke(early, FUNCTION_URL).sent.json["errorMessage"] == "of another API"
    assert invoke(late, FUNCTION_URL).sent.trailed_error["errorMessage"] == "of another API"
    assert invoke(streaming(late), FUNCTION_URL).sent.trailed_error["errorMessage"] == "of another API"


def run_one(client: RuntimeApi, handler: Handler) -> Log:
    """Run one invocation over an existing connection."""
    log = Log()
    logs = Logs(log, lambda: 1.0)
    Invocation(client, client.next(), logs, mode="auto", loop=no_loop, clock=lambda: 1.0).run(handler)
    return log


def test_a_runtime_api_that_is_gone_before_the_first_chunk_is_a_lost_connection() -> None:
    gone = answers(invocation(DIRECT, "Connection: close"))

    with ScriptedApi(gone) as api, closing(RuntimeApi(api.address, "test")) as client:
        log = run_one(client, _short)

    assert ["cannot connect to the Runtime API" in message for message in log.messages] == [True]


# --- a signal handler raises while the answer is sent ----------------------------------------------------------------


def closes_and_swallows(_event: Any, _context: Any) -> None:
    out = open_stream()
    out.write("one")
    with suppress(Broken):
        out.close()


def fails_and_is_interrupted(_event: Any, _context: Any) -> None:
    raise ValueError("first")


@pytest.mark.parametrize(
    ("handler", "event"),
    [(closes_and_swallows, DIRECT), (closes_and_swallows, HTTP_API), (fails_and_is_interrupted, DIRECT)],
    ids=["streamed", "collected", "error"],
)
def test_an_unread_answer_is_not_read_as_the_answer_to_the_next_request(handler: Handler, event: Any) -> None:
    with alarm_raises(Broken("time is up")) as alarm:

        def first(peer: Peer) -> None:
            peer.answer(invocation(event))
            peer.read_request()
            alarm()
            peer.send(ACCEPTED)

        with ScriptedApi(first, answers(invocation(5))) as api, closing(RuntimeApi(api.address, "test")) as client:
            with suppress(Broken):
                run_one(client, handler)
            assert client.next().body == b"5"


def test_a_signal_handler_that_writes_during_a_write_gets_an_error() -> None:
    refused: list[str] = []
    stuck, told = Event(), Event()

    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()

        def write(_number: int, _frame: object) -> None:
            with pytest.raises(StreamStateError) as raised:
                out.write("tick")
            refused.append(str(raised.value))
            told.set()

        before = signal.signal(signal.SIGALRM, write)
        try:
            out.write("first")
            stuck.set()
            out.write(LARGE)
        finally:
            signal.signal(signal.SIGALRM, before)

    def script(peer: Peer) -> None:
        peer.read_until(b"first\r\n")
        assert stuck.wait(WAIT)
        assert peer.read_until(b"\r\n") == b"1000000\r\n"  # the large chunk has begun, and does not fit into the socket
        main = threading.main_thread().ident
        assert main is not None
        while not told.is_set():  # repeated, since a signal just before the main thread begins to wait does not wake it
            signal.pthread_kill(main, signal.SIGALRM)
            told.wait(0.1)
        assert peer.read(len(LARGE) + 2) == LARGE + b"\r\n"
        assert peer.read_chunked_body() == b"0\r\n\r\n"
        peer.send(ACCEPTED)

    _, log = invoke_scripted(handler, DIRECT, script)

    assert "would wait for itself" in refused[0]
    assert log.errors == []


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_hooks_run_after_the_last_chunk_even_if_an_earlier_hook_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    def note_and_raise(_: object) -> None:
        happened.append("first")
        raise Broken("in a hook")

    monkeypatch.setattr(current, "after_response", [note_and_raise, lambda _: happened.append("second")])

    def script(peer: Peer) -> None:
        assert parse(peer.read_request()).content == b"one"
        assert happened == []
        peer.send(ACCEPTED)

    _, log = invoke_scripted(_short, FUNCTION_URL, script)

    assert happened == ["first", "second"]
    assert [lines[0] for lines in log.errors] == ["[ERROR] Broken: in a hook"]


@pytest.mark.parametrize("handler", [lambda *_: 1, _short, _failing, lambda *_: 1 / 0])
def test_hooks_run_once_however_the_invocation_ends(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[Any] = []
    monkeypatch.setattr(current, "after_response", [lambda _: happened.append(current.running.get())])

    outcome: Outcome = invoke(handler, FUNCTION_URL)

    assert happened == [None]
    assert outcome.sent.complete


def test_opening_a_second_response_is_refused() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        with pytest.raises(ResponseError, match="there are two responses"):
            open_stream()
        out.write("one")

    assert invoke(handler, DIRECT).sent.chunks == [b"one"]
