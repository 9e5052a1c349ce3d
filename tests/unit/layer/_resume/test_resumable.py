"""What a handler gives to `resumable`, and what its clients get, in both forms."""

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from held_store import HeldStore
from invoking import DIRECT, FUNCTION_URL, invoke
from lambda_streamify import StreamingResponse, keepalive, resumable, sse, testing
from lambda_streamify._resume.async_body import AsyncResumable
from lambda_streamify._resume.recorder import BEAT_S
from lambda_streamify._resume.sync_body import Resumable
from lambda_streamify.errors import BadRequest, ChunkTypeError, HandlerError, ResponseError, RunFailed
from lambda_streamify.resume import FAILED, STOPPED, MemoryStore, SQLiteStore, stop
from store_contract import found
from waiting import wait_until

FORMS = ["sync", "async"]


def words(count: int = 3) -> Iterator[str]:
    for number in range(1, count + 1):
        yield f"word {number}"


async def async_words(count: int = 3) -> AsyncIterator[str]:
    for number in range(1, count + 1):
        yield f"word {number}"


def a_body(form: str, count: int = 3, **options: Any) -> Any:
    return sse.events(words(count) if form == "sync" else async_words(count), **options)


def event(last_event_id: str | None = None, **query: str) -> dict[str, Any]:
    headers = {} if last_event_id is None else {"last-event-id": last_event_id}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return {**FUNCTION_URL, "headers": headers, "rawQueryString": text}


def ids(text: str) -> list[str]:
    return [line[4:] for line in text.splitlines() if line.startswith("id: ")]


def data(text: str) -> list[str]:
    return [line[6:] for line in text.splitlines() if line.startswith("data: ")]


# --- who writes, who reads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_the_first_request_runs_the_body_and_any_other_one_reads(form: str) -> None:
    store = MemoryStore()

    def get(last_event_id: str | None = None, **query: str) -> testing.Collected:
        return testing.call(
            lambda _event, _context: resumable(a_body(form), store, key="k"), event(last_event_id, **query)
        )

    first = get()
    numbers = ids(first.text)
    run_id = found(store, "k").id
    assert first.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert numbers == [f"{run_id}-1", f"{run_id}-2", f"{run_id}-3"]
    assert first.chunks[0] == f"id: {numbers[0]}\ndata: word 1\n\n".encode()

    assert get().body == first.body
    assert data(get(numbers[0]).text) == ["word 2", "word 3"]
    assert data(get(after=numbers[1]).text) == ["word 3"]
    assert data(get(numbers[1], after=numbers[0]).text) == ["word 3"]
    over = get(numbers[2])
    assert (over.status_code, over.headers, over.body) == (204, {}, b"")


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_never_calls_the_function_nor_runs_the_body(form: str) -> None:
    store, calls = MemoryStore(), []

    def sync_function() -> Any:
        calls.append("called")
        return a_body("sync")

    async def async_function() -> Any:
        calls.append("called")
        return a_body("async")

    function = sync_function if form == "sync" else async_function
    for _ in range(3):
        sent = testing.collect(resumable(function, store, key="k", after=""))
        assert data(sent.text) == ["word 1", "word 2", "word 3"]

    assert calls == ["called"]


def test_the_form_is_that_of_the_body_or_of_the_function() -> None:
    def forms(body: Any) -> type:
        made = resumable(body, MemoryStore(), key="k", after="")
        return type(made)

    class Callable:
        async def __call__(self) -> Any:
            return a_body("async")

    async def function(count: int) -> Any:
        return a_body("async", count)

    assert forms(words()) is Resumable
    assert forms(words) is Resumable
    assert forms(iter(["data: 1\n\n"])) is Resumable
    assert forms(None) is Resumable
    assert forms(async_words()) is AsyncResumable
    assert forms(async_words) is AsyncResumable
    assert forms(functools.partial(function, 3)) is AsyncResumable
    assert forms(Callable()) is AsyncResumable

    async def in_loop() -> type:
        return forms(None)

    assert asyncio.run(in_loop()) is AsyncResumable


@pytest.mark.parametrize("form", FORMS)
def test_a_request_without_a_body_only_reads(form: str) -> None:
    store = MemoryStore()
    assert testing.collect(resumable(None, store, key="k", after="")).status_code == 204
    testing.collect(resumable(a_body(form), store, key="k", after=""))

    assert data(testing.collect(resumable(None, store, key="k", after="")).text) == ["word 1", "word 2", "word 3"]


# --- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "carry",
    [
        lambda body: body,
        keepalive,
        lambda body: {"statusCode": 200, "headers": {"x-mine": "1"}, "body": body},
        lambda body: StreamingResponse(keepalive(body), headers={"x-mine": "1"}),
    ],
)
def test_the_status_says_that_there_is_nothing_more_however_the_body_is_carried(form: str, carry: Any) -> None:
    store = MemoryStore()

    def sent(last_event_id: str | None = None) -> Any:
        loop = asyncio.new_event_loop()
        try:
            handler = lambda _event, _context: carry(resumable(a_body(form), store, key="k"))  # noqa: E731
            return invoke(handler, event(last_event_id), loop=lambda: loop).sent
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    whole = sent()
    numbers = ids(whole.content.decode())
    assert (whole.prelude["statusCode"], len(numbers)) == (200, 3)

    over = sent(numbers[-1])

    assert (over.prelude["statusCode"], over.content) == (204, b"")
    assert "content-type" not in over.prelude["headers"]
    assert over.prelude["headers"].get("x-mine") == whole.prelude["headers"].get("x-mine")


def test_a_head_request_begins_no_run() -> None:
    store = MemoryStore()
    request = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}

    testing.call(lambda _event, _context: resumable(words(), store, key="k"), {**request, "headers": {}})
    invoke(lambda _event, _context: resumable(words(), store, key="k"), {**request, "headers": {}})

    assert store.find("k") is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("forged", ["3", "another-1", "é", "-1", "9" * 400])
def test_a_forged_id_is_a_bad_request(form: str, forged: str) -> None:
    store = MemoryStore()
    testing.collect(resumable(a_body(form), store, key="k", after=""))

    refused = testing.call(lambda _event, _context: resumable(a_body(form), store, key="k"), event(forged))

    assert refused.status_code == 400
    assert "event id" in refused.text


def test_a_direct_invocation_begins_at_the_beginning() -> None:
    store = MemoryStore()
    handler = lambda _event, _context: resumable(sse.events(words()), store, key="k")  # noqa: E731

    assert len(ids(testing.call(handler, DIRECT).text)) == 3
    assert len(ids(testing.call(handler, DIRECT).text)) == 3


# --- how a run ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_body_that_fails_fails_for_its_readers_as_it_did_for_its_client(form: str) -> None:
    store = MemoryStore()

    def sync_source() -> Iterator[str]:
        yield "word 1"
        raise ValueError("the model is gone")

    async def async_source() -> AsyncIterator[str]:
        yield "word 1"
        raise ValueError("the model is gone")

    def get(after: str = "") -> Any:
        source: Any = sync_source() if form == "sync" else async_source()
        return Reader(resumable(sse.events(source, on_error=sse.error_event), store, key="k", after=after))

    first, second = get(), get()
    assert isinstance(first.error, ValueError)
    assert isinstance(second.error, RunFailed)
    assert first.text == second.text
    assert data(first.text) == ["word 1", '{"errorType":"ValueError","errorMessage":"the model is gone"}']
    assert found(store, "k").state == FAILED
    assert get(ids(first.text)[-1]).body.response_status == 204


class Reader:
    """Reads a body of either form to its end. `error` is what it raised."""

    def __init__(self, body: Any) -> None:
        self.body = body
        self.chunks: list[bytes] = []
        self.error: BaseException | None = None
        try:
            if isinstance(body, AsyncResumable):
                asyncio.run(self._read())
            else:
                self._read_sync()
        except Exception as error:  # noqa: BLE001 - what is tested
            self.error = error

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode()

    def _read_sync(self) -> None:
        for chunk in self.body:
            self.chunks.append(chunk)

    async def _read(self) -> None:
        async for chunk in self.body:
            self.chunks.append(chunk)


def test_a_sync_body_that_is_stopped_is_closed_at_its_next_event_and_every_reader_is_told() -> None:
    store, closed = MemoryStore(), []

    def endless() -> Iterator[str]:
        try:
            number = 0
            while True:
                number += 1
                yield f"word {number}"
                if number == 2:
                    assert stop(store, "k")
                    beats = found(store, "k").beats
                    wait_until(lambda before=beats: found(store, "k").beats > before, f"a beat, within {BEAT_S} s")  # type: ignore[misc]
        finally:
            closed.append(True)

    writer = Reader(resumable(endless(), store, key="k", after="", stopped=sse.Event("bye", event="stopped")))
    reader = Reader(resumable(None, store, key="k", after=""))

    assert closed == [True]
    assert writer.text.endswith("event: stopped\ndata: bye\n\n")
    assert reader.text == writer.text
    assert found(store, "k").state == STOPPED


def test_an_async_body_that_is_stopped_is_closed_while_it_waits() -> None:
    store, closed = MemoryStore(), []

    async def silent() -> AsyncIterator[str]:
        try:
            yield "data: word 1\n\n"
            assert stop(store, "k")
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    writer = Reader(resumable(silent(), store, key="k", after=""))

    assert closed == [True]
    assert writer.error is None
    assert writer.text.endswith("event: stopped\ndata: \n\n")
    assert Reader(resumable(None, store, key="k", after="")).text == writer.text


@pytest.mark.parametrize("form", FORMS)
def test_a_body_that_is_closed_early_has_failed(form: str) -> None:
    store = MemoryStore()
    body: Any = resumable(a_body(form), store, key="k", after="")

    async def close() -> None:
        await anext(body)
        await body.aclose()

    if form == "sync":
        next(body)
        body.close()
    else:
        asyncio.run(close())

    assert found(store, "k").state == FAILED


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operation", ["begin", "append", "end"])
def test_a_store_that_fails_costs_the_client_nothing(
    form: str, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = HeldStore(failing=(operation,))

    writer = Reader(resumable(a_body(form), store, key="k", after=""))

    assert writer.error is None
    assert data(writer.text) == ["word 1", "word 2", "word 3"]
    assert len(ids(writer.text)) == 3
    assert sum("the store of a resumable stream is given up" in message for message in caplog.messages) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_client_of_a_run_that_was_never_kept_is_refused_and_the_body_does_not_run_again(form: str) -> None:
    store = HeldStore(failing=("begin",))
    last = ids(Reader(resumable(a_body(form), store, key="k", after="")).text)[-1]
    store.failing = set()

    again = Reader(resumable(a_body(form), store, key="k", after=last))

    assert isinstance(again.error, BadRequest)
    assert store.find("k") is None


def test_another_response_that_a_bare_generator_returns_is_the_answer() -> None:
    def source() -> Iterator[str]:
        return {"statusCode": 429}  # type: ignore[return-value]
        yield

    handler = lambda _event, _context: resumable(source(), MemoryStore(), key="k")  # noqa: E731

    assert testing.call(handler, event()).status_code == 429


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["text", b"bytes", {"a": 1}, 5])
def test_what_is_no_body_is_refused(body: Any) -> None:
    with pytest.raises(ChunkTypeError, match=r"give it a body from sse\.events"):
        resumable(body, MemoryStore(), key="k", after="")


@pytest.mark.parametrize("key", ["", "x" * 1025, "é" * 513])
def test_a_key_of_the_wrong_length_is_the_clients_mistake(key: str) -> None:
    with pytest.raises(BadRequest, match="it must have 1 to 1024"):
        resumable(words(), MemoryStore(), key=key, after="")


def test_a_key_that_is_no_text_is_the_clients_mistake() -> None:
    with pytest.raises(BadRequest, match="half of a surrogate pair"):
        resumable(words(), MemoryStore(), key="\ud800", after="")


def test_wrong_arguments_are_the_functions_mistake() -> None:
    wrong: Any = None
    with pytest.raises(HandlerError, match="key is None; it must be a str"):
        resumable(words(), MemoryStore(), key=wrong, after="")
    for seconds in (0, 2.9, True, "15", float("nan")):
        wrong = seconds
        with pytest.raises(HandlerError, match=r"writer_timeout is .*must be 3 seconds or more"):
            resumable(words(), MemoryStore(), key="k", after="", writer_timeout=wrong)


def test_outside_of_an_invocation_the_id_has_to_be_given() -> None:
    with pytest.raises(HandlerError, match="resumable finds no invocation here; give it after="):
        resumable(words(), MemoryStore(), key="k")


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda: 5, ChunkTypeError, "returned a int, no body"),
        (async_words().__aiter__, HandlerError, "an async body; make it an `async def` function"),
        (lambda: keepalive(sse.events(words())), HandlerError, r"keepalive\(resumable\(body\)\)"),
        (lambda: sse.events(words(), ids=["1", "2", "3"]), ResponseError, "an event has an id of its own"),
    ],
)
def test_what_a_function_must_not_return_is_refused_before_the_first_event(
    made: Any, error: type[Exception], message: str
) -> None:
    store = MemoryStore()

    with pytest.raises(error, match=message):
        list(resumable(made, store, key="k", after=""))
    assert found(store, "k").state == FAILED


@pytest.mark.parametrize("chunks", [["plain text"], ["data: 1\n\n", "data: 2\n"]])
def test_a_body_that_ends_inside_an_event_loses_nothing_in_silence(chunks: list[str]) -> None:
    store = MemoryStore()

    with pytest.raises(ResponseError, match=r"ends inside an event: b'.*' has no blank line behind it"):
        list(resumable(iter(chunks), store, key="k", after=""))
    assert found(store, "k").state == FAILED


def test_a_sync_body_from_an_async_function_is_refused() -> None:
    async def function() -> Any:
        return words()

    assert isinstance(Reader(resumable(function, MemoryStore(), key="k", after="")).error, HandlerError)


def test_a_body_of_another_type_is_refused() -> None:
    from lambda_streamify import ndjson

    with pytest.raises(ResponseError, match=r"application/x-ndjson.*server-sent events only"):
        list(resumable(ndjson.lines([1]), MemoryStore(), key="k", after=""))


def test_a_sqlite_store_works_with_both_forms(tmp_path: Any) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    for form in FORMS:
        first = Reader(resumable(a_body(form), store, key=form, after=""))
        assert Reader(resumable(None, store, key=form, after="")).text == first.text
        assert data(first.text) == ["word 1", "word 2", "word 3"]
