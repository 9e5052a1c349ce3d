import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from socket import AF_UNIX, MSG_DONTWAIT, SOCK_SEQPACKET, socketpair
from threading import Event, Thread
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, Log, invoke, invoke_scripted, no_loop
from lambda_streamify import StreamingResponse, observe, open_stream, streaming
from lambda_streamify._core import current
from lambda_streamify._response.collecting import CollectingInvocation
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify._wire import outgoing
from lambda_streamify._wire.response_stream import ResponseStream
from lambda_streamify.observe import StreamRecord, Watch, WatchedStream
from own_hooks import without_hooks
from processes import ROOT
from processes import run as run_python
from scripted_api import ACCEPTED, Peer, ScriptedApi, answers, invocation, reply
from waiting import TIMEOUT_S

Loop = Callable[[], asyncio.AbstractEventLoop]

LAYER = ROOT / "layers" / "streamify"
LARGE = bytes(8 * 1024 * 1024)  # more than the sockets between client and server take


class Broken(Exception):
    pass


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins without hooks, and leaves none."""
    without_hooks(monkeypatch)


@pytest.fixture
def records(clock: Clock) -> list[StreamRecord]:
    """The records of the streams of this test, by its clock."""
    seen: list[StreamRecord] = []
    Watch(clock).after_stream(seen.append)
    return seen


def pulled(clock: Clock) -> Callable[[Any, Any], Any]:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        clock.wait(1)
        yield "one"
        clock.wait(0.25)
        yield ""  # never sent
        clock.wait(0.25)
        yield "four"
        clock.wait(0.125)

    return handler


def written(clock: Clock) -> Callable[[Any, Any], Any]:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        clock.wait(1)
        out.write("one")
        clock.wait(0.5)
        out.write("four")
        clock.wait(0.125)

    return handler


def written_by_a_thread(clock: Clock) -> Callable[[Any, Any], Any]:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()

        def write() -> None:
            clock.wait(1)
            out.write("one")
            clock.wait(0.5)
            out.write("four")
            clock.wait(0.125)

        thread = Thread(target=write)
        thread.start()
        thread.join(TIMEOUT_S)

    return handler


def yielded_in_a_task(clock: Clock) -> Callable[[Any, Any], Any]:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        clock.wait(1)
        yield "one"
        await asyncio.sleep(0)
        clock.wait(0.5)
        yield "four"
        clock.wait(0.125)

    return handler


def written_in_a_task(clock: Clock) -> Callable[[Any, Any], Any]:
    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        clock.wait(1)
        await out.awrite("one")
        clock.wait(0.5)
        await out.awrite("four")
        clock.wait(0.125)

    return handler


def sent_inside_the_call(clock: Clock) -> Callable[[Any, Any], Any]:
    return streaming(pulled(clock))


WAYS = [pulled, written, written_by_a_thread, yielded_in_a_task, written_in_a_task, sent_inside_the_call]


@pytest.mark.parametrize("event", [FUNCTION_URL, DIRECT], ids=["function URL", "direct"])
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_has_one_record_however_it_is_written(
    way: Any, event: Any, clock: Clock, records: list[StreamRecord], loop: Loop
) -> None:
    outcome = invoke(way(clock), event, loop=loop)

    assert b"".join(outcome.sent.chunks[-2:]) == b"onefour"
    assert [record.as_dict() for record in records] == [
        {
            "request_id": "request-1",
            "outcome": "complete",
            "error_type": None,
            "time_to_first_byte": 1,
            "duration": 1.625,
            "chunks": 2,
            "bytes": 7,
            "largest_gap": 0.5,
            "blocked": 0,
        }
    ]


@pytest.mark.parametrize("way", WAYS)
def test_the_bytes_on_the_wire_are_the_same_with_and_without_an_observer(
    way: Any, clock: Clock, records: list[StreamRecord], loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = invoke(way(clock), FUNCTION_URL, loop=loop).request
    monkeypatch.setattr(current, "stream_factory", None)

    def without_host(request: bytes) -> bytes:
        return b"\r\n".join(line for line in request.split(b"\r\n") if not line.startswith(b"Host: "))

    assert without_host(invoke(way(clock), FUNCTION_URL, loop=loop).request) == without_host(watched)
    assert len(records) == 1


def test_a_gap_before_the_end_counts(clock: Clock, records: list[StreamRecord]) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        yield "one"
        clock.wait(0.5)
        yield "two"
        clock.wait(2)

    invoke(handler, FUNCTION_URL)

    assert [record.largest_gap for record in records] == [2]


def test_an_eager_response_has_its_first_byte_before_its_first_chunk(clock: Clock, records: list[StreamRecord]) -> None:
    def body() -> Iterator[str]:
        clock.wait(3)
        yield "one"

    def handler(_event: Any, _context: Any) -> StreamingResponse:
        clock.wait(1)
        return StreamingResponse(body(), eager=True)

    invoke(handler, FUNCTION_URL)

    (record,) = records
    assert (record.time_to_first_byte, record.largest_gap, record.chunks) == (1, 3, 1)


def test_a_response_without_a_body_is_a_stream_of_no_chunks(records: list[StreamRecord]) -> None:
    head = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}

    invoke(lambda *_: iter(["one"]), head)

    (record,) = records
    assert (record.outcome, record.chunks, record.bytes) == ("complete", 0, 0)


def test_bytes_counts_bytes_and_not_characters_or_elements(records: list[StreamRecord]) -> None:
    invoke(lambda *_: iter(["é", memoryview(b"12345678").cast("I"), bytearray(3)]), FUNCTION_URL)

    assert [(record.chunks, record.bytes) for record in records] == [(3, 2 + 8 + 3)]


@pytest.mark.parametrize("handler", [lambda *_: {"a": 1}, lambda *_: 1 / 0])
def test_an_answer_in_one_piece_has_no_record(handler: Any, records: list[StreamRecord]) -> None:
    invoke(handler, DIRECT)
    assert records == []


@pytest.mark.parametrize("mode", ["auto", "buffered"])
def test_a_collected_response_has_no_record(mode: str, records: list[StreamRecord]) -> None:
    assert invoke(lambda *_: iter(["one"]), HTTP_API, mode=mode).sent.json["body"] == "one"
    assert records == []


def test_a_response_that_failed_before_its_first_byte_has_no_record(records: list[StreamRecord]) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        raise Broken("early")
        yield ""

    assert invoke(handler, FUNCTION_URL).path == "error"
    assert records == []


def test_a_stream_that_replaces_a_failed_one_is_recorded(clock: Clock, records: list[StreamRecord]) -> None:
    @streaming
    def failing(_event: Any, _context: Any) -> None:
        open_stream(201)
        raise Broken("early")

    def outer(event: Any, context: Any) -> Any:
        with pytest.raises(Broken):
            failing(event, context)
        clock.wait(1)
        return iter(["instead"])

    assert invoke(outer, FUNCTION_URL).sent.prelude["statusCode"] == 200
    assert [(record.outcome, record.time_to_first_byte, record.bytes) for record in records] == [("complete", 1, 7)]


# --- what goes wrong -------------------------------------------------------------------------------------------------


def failing(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    raise Broken("midway")


async def failing_async(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    raise Broken("midway")


def failing_writer(_event: Any, _context: Any) -> None:
    open_stream().write("one")
    raise Broken("midway")


@pytest.mark.parametrize("handler", [failing, failing_async, failing_writer])
def test_an_error_after_the_first_byte_is_recorded_with_the_type_sent_to_lambda(
    handler: Any, records: list[StreamRecord], loop: Loop
) -> None:
    sent = invoke(handler, FUNCTION_URL, loop=loop).sent

    (record,) = records
    assert (record.outcome, record.error_type) == ("error", "Function.Broken")
    assert record.error_type == sent.trailers["lambda-runtime-function-error-type"]
    assert (record.chunks, record.bytes) == (1, 3)


def test_an_exit_in_the_middle_is_recorded_before_the_process_ends(records: list[StreamRecord]) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        yield "one"
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        invoke(handler, FUNCTION_URL)

    assert [(record.outcome, record.error_type) for record in records] == [("error", "Function.SystemExit")]


def endless(_event: Any, _context: Any) -> Iterator[bytes]:
    while True:
        yield LARGE


async def endless_async(_event: Any, _context: Any) -> AsyncIterator[bytes]:
    while True:
        yield LARGE


@pytest.mark.parametrize("handler", [endless, endless_async])
def test_a_connection_that_is_closed_midway_is_lost(handler: Any, records: list[StreamRecord], loop: Loop) -> None:
    _, log = invoke_scripted(handler, FUNCTION_URL, lambda peer: peer.read(100_000), loop=loop)

    (record,) = records
    assert (record.outcome, record.error_type) == ("lost", "ConnectionLost")
    assert record.bytes == record.chunks * len(LARGE)
    assert any("the response was not delivered" in message for message in log.messages)


@pytest.mark.parametrize("handler", [endless, endless_async])
def test_a_stream_that_lambda_stops_reading_is_refused(handler: Any, records: list[StreamRecord], loop: Loop) -> None:
    def script(peer: Peer) -> None:
        peer.read(100_000)
        peer.send(reply(413, b"enough", "Connection: close"))

    invoke_scripted(handler, FUNCTION_URL, script, loop=loop)

    assert [(record.outcome, record.error_type) for record in records] == [("refused", "RequestRefused")]


def test_a_stream_that_lambda_refuses_at_its_end_is_refused(records: list[StreamRecord]) -> None:
    invoke(lambda *_: iter(["one"]), FUNCTION_URL, answer=reply(413, b"too large"))

    assert [(record.outcome, record.error_type) for record in records] == [("refused", "RequestRefused")]


def test_a_stream_that_ends_the_process_has_a_record_too(records: list[StreamRecord]) -> None:
    with pytest.raises(Exception, match="answered 500"):
        invoke(lambda *_: iter(["one"]), FUNCTION_URL, answer=reply(500, b"no"))

    assert [record.outcome for record in records] == ["refused"]


def test_an_error_that_lambda_did_not_accept_is_refused(records: list[StreamRecord]) -> None:
    invoke(failing, FUNCTION_URL, answer=reply(400, b"no"))

    assert [(record.outcome, record.error_type) for record in records] == [("refused", "RequestRefused")]


# --- a slow reader ---------------------------------------------------------------------------------------------------


class TimePassesWhileWaiting:
    """Lets the client begin to read `seconds` after the function begins to wait."""

    def __init__(self, clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self._waits = Event()
        wait, wait_async = outgoing.wait_until_ready, outgoing.ready

        def waiting(*arguments: Any, **keywords: Any) -> bool:
            if not self._waits.is_set():
                clock.wait(seconds)
                self._waits.set()
            return wait(*arguments, **keywords)

        async def waiting_async(*arguments: Any, **keywords: Any) -> bool:
            if not self._waits.is_set():
                clock.wait(seconds)
                self._waits.set()
            return await wait_async(*arguments, **keywords)

        monkeypatch.setattr(outgoing, "wait_until_ready", waiting)
        monkeypatch.setattr(outgoing, "ready", waiting_async)

    def __call__(self, peer: Peer) -> None:
        assert self._waits.wait(TIMEOUT_S)
        peer.read_request()
        peer.send(ACCEPTED)


def large_first(clock: Clock) -> Any:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield LARGE
        clock.wait(0.5)
        yield b"x"

    return handler


def large_later(clock: Clock) -> Any:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield b"x"
        clock.wait(0.5)
        yield LARGE

    return handler


def large_first_async(clock: Clock) -> Any:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        yield LARGE
        clock.wait(0.5)
        yield b"x"

    return handler


def large_later_async(clock: Clock) -> Any:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        yield b"x"
        clock.wait(0.5)
        yield LARGE

    return handler


def large_pushed(clock: Clock) -> Any:
    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        await out.awrite(b"x")
        clock.wait(0.5)
        await out.awrite(LARGE)

    return handler


@pytest.mark.parametrize("large", [large_first, large_later, large_first_async, large_later_async, large_pushed])
def test_waiting_for_the_reader_is_counted_apart_from_the_functions_own_time(
    large: Any, clock: Clock, records: list[StreamRecord], loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = TimePassesWhileWaiting(clock, monkeypatch, 7)

    invoke_scripted(large(clock), FUNCTION_URL, script, loop=loop)

    (record,) = records
    assert (record.blocked, record.largest_gap, record.duration, record.time_to_first_byte) == (7, 0.5, 7.5, 0)
    assert (record.chunks, record.bytes) == (2, len(LARGE) + 1)


# --- hooks -----------------------------------------------------------------------------------------------------------


def run(api: ScriptedApi, handler: Any, invocations: int) -> None:
    """Run invocations of one process."""
    with closing(RuntimeApi(api.address, "test")) as client:
        for _ in range(invocations):
            request, logs = client.next(), Logs(Log())
            Invocation(client, request, logs, mode="auto", loop=no_loop, clock=lambda: 1.0).run(handler)


def test_hooks_run_after_the_last_chunk_and_before_next_is_requested(clock: Clock) -> None:
    requests: list[int] = []

    @Watch(clock).after_stream
    def count(_record: StreamRecord) -> None:
        requests.append(len(api.requests))

    with ScriptedApi(answers(*(invocation(), ACCEPTED) * 2)) as api:
        run(api, lambda *_: iter(["one"]), 2)

    assert requests == [2, 4]  # each time the event and the whole response


def test_a_record_belongs_to_its_own_invocation(clock: Clock, records: list[StreamRecord]) -> None:
    def handler(event: Any, _context: Any) -> Any:
        clock.wait(1)
        return iter(["one"]) if event == "stream" else {"plain": True}

    events = (("stream", "first"), ("plain", "second"), ("stream", "third"))
    replies = (part for event, name in events for part in (invocation(event, request_id=name), ACCEPTED))
    with ScriptedApi(answers(*replies)) as api:
        run(api, handler, 3)

    assert [(record.request_id, record.time_to_first_byte) for record in records] == [("first", 1), ("third", 1)]


def test_invocations_at_the_same_time_have_records_of_their_own(clock: Clock) -> None:
    watch = Watch(clock)
    first, second = CollectingInvocation(), CollectingInvocation()
    first.request_id, second.request_id = "first", "second"
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    with ours, theirs:
        watch.begin(first)
        clock.wait(1)
        watch.begin(second)
        streams = [watch.open(invocation, ours, b"head", lambda: True) for invocation in (second, first)]
        for stream in streams:
            clock.wait(1)
            stream.open(b"", b"one")
            stream.end()

    records = [watch.record(invocation) for invocation in (first, second)]

    assert [(record.request_id, record.time_to_first_byte) for record in records if record] == [
        ("first", 3),
        ("second", 1),
    ]


def test_a_hook_that_raises_is_logged_and_the_others_run(clock: Clock) -> None:
    watch = Watch(clock)
    later: list[StreamRecord] = []

    @watch.after_stream
    def broken(_record: StreamRecord) -> None:
        raise Broken("a hook")

    watch.after_stream(later.append)

    outcome = invoke(lambda *_: iter(["one"]), FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.log.errors[0][0] == "[ERROR] Broken: a hook"
    assert len(later) == 1


def test_a_hook_registered_in_the_handler_begins_with_the_next_invocation(
    clock: Clock,
) -> None:
    watch = Watch(clock)
    seen: list[StreamRecord] = []

    def handler(_event: Any, _context: Any) -> Iterator[str]:
        if not current.after_response:
            watch.after_stream(seen.append)
        yield "one"

    counts = []
    for _ in range(2):
        invoke(handler, FUNCTION_URL)
        counts.append(len(seen))

    assert counts == [0, 1]


def test_one_line_of_json_is_written_for_each_stream(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(observe, "_watch", Watch(clock))
    observe.log_streams()

    invoke(pulled(clock), FUNCTION_URL)

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "type": "stream",
            "request_id": "request-1",
            "outcome": "complete",
            "error_type": None,
            "time_to_first_byte": 1.0,
            "duration": 1.625,
            "chunks": 2,
            "bytes": 7,
            "largest_gap": 0.5,
            "blocked": 0.0,
        }
    ]


# --- generations -----------------------------------------------------------------------------------------------------


def generating(clock: Clock, watch: Watch) -> Callable[[Any, Any], Any]:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        watch.generation()
        clock.wait(2)
        watch.generation().tokens()
        yield "one"
        with watch.generation().tool():
            clock.wait(4)
        watch.generation().tokens(0)
        yield "two"

    return handler


def generating_in_a_task(clock: Clock, watch: Watch) -> Callable[[Any, Any], Any]:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        watch.generation()
        clock.wait(2)
        watch.generation().tokens()
        yield "one"
        with watch.generation().tool():
            await asyncio.sleep(0)
            clock.wait(4)
        watch.generation().tokens(0)
        yield "two"

    return handler


@pytest.mark.parametrize("way", [generating, generating_in_a_task])
def test_the_record_of_a_stream_has_the_figures_of_its_generation(way: Any, clock: Clock, loop: Loop) -> None:
    seen: list[StreamRecord] = []
    watch = Watch(clock)
    watch.after_stream(seen.append)

    for _ in range(2):
        invoke(way(clock, watch), FUNCTION_URL, loop=loop)

    for record in seen:
        assert record.as_dict() == {
            "request_id": "request-1",
            "outcome": "complete",
            "error_type": None,
            "time_to_first_byte": 2,
            "duration": 6,
            "chunks": 2,
            "bytes": 6,
            "largest_gap": 4,
            "blocked": 0,
            "gen_ai.client.inference.time_to_first_chunk": 2,
            "gen_ai.client.inference.usage.output_tokens": 1,
            "gen_ai.execute_tool.duration": 4,
            "gen_ai.invoke_agent.duration": 6,
        }
    assert len(seen) == 2
    assert seen[0].generation is not seen[1].generation


def test_a_generation_that_no_hook_reads_changes_nothing(clock: Clock) -> None:
    watch = Watch(clock)

    assert invoke(generating(clock, watch), FUNCTION_URL).sent.chunks[1:] == [b"one", b"two"]
    assert watch.generation() is not watch.generation()


def test_the_class_of_a_generation_is_there_for_annotations(clock: Clock) -> None:
    assert isinstance(Watch(clock).generation(), observe.Generation)
    with pytest.raises(AttributeError, match=r"module 'lambda_streamify\.observe' has no attribute 'Nope'"):
        observe.Nope  # noqa: B018 - what is tested


def test_a_stream_without_a_generation_does_not_load_its_code() -> None:
    program = (
        "import sys; from lambda_streamify import observe; print('lambda_streamify._observe.generation' in sys.modules)"
    )

    assert (
        run_python(sys.executable, "-ISBc", f"import sys; sys.path.insert(0, {str(LAYER)!r}); {program}") == "False\n"
    )


# --- costs -----------------------------------------------------------------------------------------------------------


def test_an_unused_observer_changes_nothing_in_the_runtime() -> None:
    made: list[object] = []

    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        out.write("one")
        made.append(type(out._sink._stream))  # type: ignore[attr-defined]  # noqa: SLF001 - not visible elsewhere

    invoke(handler, FUNCTION_URL)

    assert made == [ResponseStream]
    assert (current.before_handler, current.after_response, current.stream_factory) == ([], [], None)


def test_a_watched_chunk_still_takes_one_send() -> None:
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)  # each receive returns the bytes of one send
    with ours, theirs:
        stream = WatchedStream(ours, b"head", lambda: True)
        stream.open(b"prelude", b"first")
        stream.write(b"second")
        stream.end()

        received = [theirs.recv(1000, MSG_DONTWAIT) for _ in range(3)]
        with pytest.raises(BlockingIOError):
            theirs.recv(1000, MSG_DONTWAIT)

    assert received == [b"head7\r\nprelude\r\n5\r\nfirst\r\n", b"6\r\nsecond\r\n", b"0\r\n\r\n"]
