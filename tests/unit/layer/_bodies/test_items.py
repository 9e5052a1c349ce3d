import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._bodies.items import encode_items, json_encoder
from lambda_streamify.errors import ChunkTypeError, HandlerError, ResponseError

KINDS = ["sync", "async"]


class Reader:
    """Reads a body of either kind, one chunk at a time, from a source that tells what it does."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.told: list[str] = []
        self.error: BaseException | None = None

    def body(self, *items: object, on_error: Callable[[Exception], object] | None = None) -> Any:
        """A body of these items; an exception among them is raised."""
        source = self._source(items) if self.kind == "sync" else self._async_source(items)
        return encode_items("maker", source, self._encode, "text/plain", on_error)

    def read(self, made: Any) -> list[bytes]:
        """Return the chunks up to the end or to the error, which is kept, and close the body."""
        chunks: list[bytes] = []

        async def main() -> None:
            try:
                async for chunk in made:
                    chunks.append(chunk)  # noqa: PERF401 - those before an error count
            finally:
                await made.aclose()

        try:
            if self.kind == "async":
                run(main())
            else:
                try:
                    for chunk in made:
                        chunks.append(chunk)  # noqa: PERF402 - those before an error count
                finally:
                    made.close()
        except BaseException as error:  # noqa: BLE001 - whatever the body raises
            self.error = error
        return chunks

    def _encode(self, item: object) -> bytes:
        if not isinstance(item, str):
            raise ResponseError(f"{item!r} is no text")
        return item.encode()

    def _source(self, items: tuple[object, ...]) -> Iterator[object]:
        try:
            for item in items:
                self.told.append(f"asked for {item}")
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.told.append("closed")

    async def _async_source(self, items: tuple[object, ...]) -> AsyncIterator[object]:
        for item in self._source(items):
            yield item


@pytest.fixture(params=KINDS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(request.param)


def describe(error: Exception) -> str:
    return f"failed: {error}"


def test_each_item_becomes_one_chunk(reader: Reader) -> None:
    made = reader.body("a", "b")

    assert type(made) is (TypedBody if reader.kind == "sync" else AsyncTypedBody)
    assert made.content_type == "text/plain"
    assert reader.read(made) == [b"a", b"b"]
    assert reader.error is None


def test_an_item_is_asked_for_only_when_its_chunk_is() -> None:
    reader = Reader("sync")
    made = reader.body("a", "b", "c")
    assert reader.told == []

    assert next(made) == b"a"
    assert reader.told == ["asked for a"]
    assert next(made) == b"b"
    assert reader.told == ["asked for a", "asked for b"]

    made.close()
    assert reader.told == ["asked for a", "asked for b", "closed"]


def test_so_it_is_of_an_asynchronous_source() -> None:
    asked: list[str] = []

    async def main() -> None:
        gate = asyncio.Event()

        async def source() -> AsyncIterator[str]:
            try:
                yield "a"
                await gate.wait()
                asked.append("b")
                yield "b"
                asked.append("c")
                yield "c"
            finally:
                asked.append("closed")

        made: Any = encode_items("maker", source(), str.encode, "text/plain", None)
        assert await anext(made) == b"a"
        gate.set()
        assert asked == []
        assert await anext(made) == b"b"
        assert asked == ["b"]
        await made.aclose()
        assert asked == ["b", "closed"]

    run(main())


def test_a_source_that_was_never_asked_for_an_item_is_closed_with_the_body() -> None:
    closed: list[str] = []

    class Connection:
        def __iter__(self) -> Iterator[str]:
            return iter(("a",))

        def close(self) -> None:
            closed.append("sync")

    class AsyncConnection:
        async def __aiter__(self) -> AsyncIterator[str]:
            yield "a"

        async def aclose(self) -> None:
            closed.append("async")

    made: Any = encode_items("maker", Connection(), str.encode, "text/plain", None)
    made.close()
    made = encode_items("maker", AsyncConnection(), str.encode, "text/plain", None)
    run(made.aclose())

    assert closed == ["sync", "async"]


def test_a_source_that_cannot_be_closed_is_let_be() -> None:
    class Plain:
        def __init__(self) -> None:
            self._left = ["a", "b"]

        def __iter__(self) -> "Plain":
            return self

        def __next__(self) -> str:
            if not self._left:
                raise StopIteration
            return self._left.pop(0)

    assert Reader("sync").read(encode_items("maker", Plain(), str.encode, "text/plain", None)) == [b"a", b"b"]


def test_without_on_error_an_error_ends_the_body(reader: Reader) -> None:
    failure = ValueError("boom")

    assert reader.read(reader.body("a", failure)) == [b"a"]
    assert reader.error is failure


@pytest.mark.parametrize("before", [[], ["a"], ["a", "b"]])
def test_an_error_is_told_in_a_last_item_and_raised_after_it(reader: Reader, before: list[str]) -> None:
    failure = ValueError("boom")

    chunks = reader.read(reader.body(*before, failure, on_error=describe))

    assert chunks == [*(item.encode() for item in before), b"failed: boom"]
    assert reader.error is failure
    assert reader.told[-1] == "closed"


def test_the_error_keeps_the_frames_of_the_source(reader: Reader) -> None:
    reader.read(reader.body(ValueError("boom"), on_error=describe))

    assert reader.error is not None
    trace, names = reader.error.__traceback__, []
    while trace:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "_source"


def test_an_item_that_cannot_be_sent_is_told_of_as_an_error_of_the_source_is(reader: Reader) -> None:
    assert reader.read(reader.body("a", 7, "b", on_error=describe)) == [b"a", b"failed: 7 is no text"]
    assert isinstance(reader.error, ResponseError)
    assert reader.told == ["asked for a", "asked for 7", "closed"]


def test_on_error_may_have_nothing_to_say(reader: Reader) -> None:
    failure = ValueError("boom")

    assert reader.read(reader.body("a", failure, on_error=lambda _: None)) == [b"a"]
    assert reader.error is failure


def broken(_: Exception) -> object:
    raise KeyError("code")


@pytest.mark.parametrize(
    ("on_error", "said"),
    [(broken, "KeyError: 'code'"), (lambda _: 7, "ResponseError: 7 is no text")],
    ids=["that raises", "whose item cannot be sent"],
)
def test_an_on_error_that_fails_hides_no_error(
    reader: Reader, on_error: Callable[[Exception], object], said: str
) -> None:
    failure = ValueError("boom")

    assert reader.read(reader.body("a", failure, on_error=on_error)) == [b"a"]

    assert type(reader.error) is HandlerError
    assert str(reader.error) == (
        "the body failed with ValueError: boom, and then on_error, which reports it to the reader, failed with " + said
    )
    assert reader.error.__cause__ is not None
    assert reader.error.__cause__.__context__ is failure


@pytest.mark.parametrize("failure", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_the_process_is_no_error_to_tell_of(failure: BaseException) -> None:
    reader = Reader("sync")
    told: list[Exception] = []

    assert reader.read(reader.body("a", failure, on_error=told.append)) == [b"a"]
    assert reader.error is failure
    assert told == []


def test_a_cancellation_is_no_error_to_tell_of() -> None:
    told: list[Exception] = []

    async def main() -> None:
        waiting = asyncio.Event()

        async def source() -> AsyncIterator[str]:
            yield "a"
            waiting.set()
            await asyncio.Event().wait()

        async def read() -> None:
            async for _ in encode_items("maker", source(), str.encode, "text/plain", told.append):  # type: ignore[union-attr]
                pass

        task = asyncio.create_task(read())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())

    assert told == []


def test_closing_the_body_is_no_error_to_tell_of() -> None:
    told: list[Exception] = []
    reader = Reader("sync")
    made = reader.body("a", "b", on_error=told.append)
    next(made)

    made.close()

    assert told == []
    assert reader.told == ["asked for a", "closed"]


@pytest.mark.parametrize("items", ["text", b"bytes", {"a": 1}, None, 7], ids=["str", "bytes", "dict", "None", "int"])
def test_what_has_no_items_is_refused_at_once(items: Any) -> None:
    with pytest.raises(ChunkTypeError) as raised:
        encode_items("sse.events", items, str.encode, "text/plain", None)

    assert str(raised.value) == (
        f"sse.events was given {items!r}, of type {type(items).__name__}; give it a generator, an async generator, "
        "a list or another iterable of items"
    )


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_is_short_and_not_escaped_without_need() -> None:
    assert json_encoder(None)({"a": [1, "é", None]}) == '{"a":[1,"é",null]}'.encode()


def test_whatever_a_reader_may_take_for_a_line_break_is_escaped() -> None:
    assert json_encoder(None)("\n\r\x0b\x0c\x1c\x85\u2028\u2029é") == (
        rb'"\n\r\u000b\f\u001c\u0085\u2028\u2029' + 'é"'.encode()
    )


def test_half_of_a_surrogate_pair_is_escaped() -> None:
    assert json_encoder(None)(["\ud800", "é"]) == rb'["\ud800","\u00e9"]'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_has_not_are_refused(value: float) -> None:
    with pytest.raises(ResponseError) as raised:
        json_encoder(None)({"a": value})

    assert str(raised.value) == (
        f"{{'a': {value}}} holds NaN or an infinity, which JSON has no form for; send None instead"
    )


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)

    with pytest.raises(ResponseError, match=r"^\[\[...\]\] holds itself, which JSON has no form for; send a copy$"):
        json_encoder(None)(value)


def test_an_object_without_a_form_in_json_is_refused_with_the_way_out() -> None:
    with pytest.raises(ChunkTypeError) as raised:
        json_encoder(None)({"a": {1}})

    assert str(raised.value) == (
        "{1} is a set, which JSON has no form for; convert it, or give `default`, a function that does, "
        "such as default=str"
    )


def test_default_gives_such_an_object_a_form() -> None:
    assert json_encoder(sorted)({"a": {2, 1}}) == b'{"a":[1,2]}'


def test_an_error_of_default_is_raised_as_it_is() -> None:
    failure = ValueError("no such thing")

    def default(_: object) -> object:
        raise failure

    with pytest.raises(ValueError, match="no such thing") as raised:
        json_encoder(default)({1})
    assert raised.value is failure


def test_the_encoder_goes_on_after_a_value_that_it_refused() -> None:
    encode = json_encoder(None)
    value: list[object] = [{1}]
    for _ in range(2):
        with pytest.raises(ChunkTypeError):
            encode(value)

    assert encode([]) == b"[]"


def test_an_error_message_stays_readable_when_the_value_is_large() -> None:
    with pytest.raises(ResponseError) as raised:
        json_encoder(None)([0.5] * 1000 + [float("nan")])

    assert len(str(raised.value)) < 200


def test_a_default_that_raises_stop_iteration_does_not_end_the_stream_in_silence() -> None:
    def default(_value: object) -> object:
        raise StopIteration

    chunks = iter(encode_items("lines", [1, {2}, 3], json_encoder(default), "text/plain", None))  # type: ignore[arg-type]

    assert next(chunks) == b"1"
    with pytest.raises(RuntimeError, match="has raised StopIteration"):
        next(chunks)
