import asyncio
import io
import json
import threading
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify.client import read_stream
from lambda_streamify.errors import StreamFailed
from lambda_streamify_emulator.errors import (
    EmulatorError,
    FaultError,
    RecordingFileError,
    ReplayedDisconnect,
    ReplayedError,
    ReplayNotReleased,
)
from lambda_streamify_emulator.recordings.recording import HIDDEN, Event, Header, RecordingWriter, chunk_event
from lambda_streamify_emulator.replays.clocks import RealClock, VirtualClock
from lambda_streamify_emulator.replays.faults import Faults
from lambda_streamify_emulator.replays.replay import Mode, Replay
from waiting import TIMEOUT_S

SECOND = 1_000_000
HEAD = Event(
    50_000,
    "h",
    {"status_code": 201, "headers": {"x-a": "b", "x-api-key": HIDDEN}, "cookies": ["a=1", f"session={HIDDEN}"]},
)
ONE, TWO, THREE = chunk_event(SECOND, b"one"), chunk_event(2 * SECOND, b"\xff\x00"), chunk_event(600 * SECOND, b"three")
END = Event(601 * SECOND, "x", {"reason": "end", "bytes": 10, "chunks": 3})
STREAM = [HEAD, ONE, TWO, THREE, END]
CHUNKS = [b"one", b"\xff\x00", b"three"]
FAILED = [
    HEAD,
    ONE,
    Event(SECOND, "e", {"type": "Function.A", "message": "why"}),
    Event(SECOND, "x", {"reason": "error", "bytes": 3, "chunks": 1}),
]
BROKEN = [HEAD, ONE, Event(SECOND, "x", {"reason": "disconnect", "bytes": 3, "chunks": 1})]


def collect(replay: Replay) -> tuple[list[bytes], EmulatorError | None]:
    """Return the chunks, and the error at the end or None."""
    chunks: list[bytes] = []
    try:
        for chunk in replay:
            chunks.append(chunk)  # noqa: PERF402 - list(replay) would lose them with the error
    except EmulatorError as error:
        return chunks, error
    return chunks, None


def acollect(replay: Replay) -> tuple[list[bytes], EmulatorError | None]:
    """Do the same in an event loop."""

    async def main() -> tuple[list[bytes], EmulatorError | None]:
        chunks: list[bytes] = []
        try:
            async for chunk in replay:
                chunks.append(chunk)  # noqa: PERF401 - as above
        except EmulatorError as error:
            return chunks, error
        return chunks, None

    return run(main())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = io.StringIO()
    writer = RecordingWriter(file, Header("client"))
    for event in STREAM:
        writer.event(event)
    path = tmp_path / "story.ndjson"
    path.write_text(file.getvalue())
    return path


# --- chunks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["instant", "virtual"])
@pytest.mark.parametrize("reader", [collect, acollect])
def test_the_chunks_are_those_of_the_recording(mode: str, reader: Any) -> None:
    assert reader(Replay(STREAM, mode=mode)) == (CHUNKS, None)


@given(st.lists(st.binary()))
def test_any_chunks_are_replayed(chunks: list[bytes]) -> None:
    assert list(Replay([chunk_event(0, chunk) for chunk in chunks], mode="instant")) == chunks


def test_a_file_can_be_replayed_again_and_by_several_at_once(path: Path) -> None:
    replay = Replay(path, mode=Mode.INSTANT)

    assert list(zip(replay, replay, strict=True)) == [(chunk, chunk) for chunk in CHUNKS]
    assert list(Replay(str(path), mode="instant")) == CHUNKS


def test_faults_are_part_of_the_replay() -> None:
    assert list(Replay(STREAM, mode="instant", faults=Faults(truncate=2, slice=2))) == [b"on", b"e", b"\xff\x00"]


def test_a_damaged_recording_raises_at_the_damaged_line(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "damage\n"]))

    chunks, error = collect(Replay(path, mode="instant"))

    assert chunks == [b"one"]
    assert isinstance(error, RecordingFileError)
    assert str(error).startswith(f"{path}: line 4: not JSON: ")


# --- when ------------------------------------------------------------------------------------------------------------


def test_the_time_that_opening_the_file_takes_delays_no_chunk(path: Path) -> None:
    clock = VirtualClock()

    class Slow:
        """A path of a file that takes half a second to open."""

        def __fspath__(self) -> str:
            clock.advance(0.5)
            return str(path)

    replay = Replay(Slow(), mode="virtual", clock=clock)

    assert [clock.now() for _ in replay] == [1.0, 2.0, 600.0]

    async def times() -> list[float]:
        start = clock.now()
        return [clock.now() - start async for _ in replay]

    assert run(times()) == [1.0, 2.0, 600.0]


class Machine:
    """Simulated time, which passes only during sleeps and during the steps of a reader."""

    def __init__(self) -> None:
        self.time = 1000.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.time += seconds or 0.000_01

    def clock(self) -> RealClock:
        return RealClock(lambda: self.time, self.sleep, self.async_sleep)


def stamps(replay: Replay, machine: Machine, step: float = 0.0) -> list[float]:
    """Return when each chunk arrived, in seconds since the start, if the reader takes `step` seconds per chunk."""
    start, seen = machine.time, []
    for _ in replay:
        seen.append(round(machine.time - start, 3))
        machine.time += step
    return seen


def test_each_chunk_comes_at_its_time() -> None:
    machine = Machine()

    assert stamps(Replay(STREAM, clock=machine.clock()), machine) == [1.0, 2.0, 600.0]
    assert stamps(Replay(STREAM, clock=machine.clock(), speed=2), machine) == [0.5, 1.0, 300.0]


def test_a_slow_reader_delays_no_later_chunk() -> None:
    machine = Machine()

    assert stamps(Replay(STREAM, clock=machine.clock()), machine, step=90) == [1.0, 91.0, 600.0]


def test_errors_of_the_clock_do_not_add_up() -> None:
    machine = Machine()
    machine.sleep = lambda seconds: setattr(machine, "time", machine.time + seconds + 0.004)  # type: ignore[method-assign]
    even = [chunk_event(number * 10_000, b"x") for number in range(1, 1001)]

    assert stamps(Replay(even, clock=machine.clock()), machine)[-1] == 10.004


def test_a_task_gets_each_chunk_at_its_time() -> None:
    machine = Machine()
    start = machine.time

    async def main() -> list[float]:
        return [round(machine.time - start, 3) async for _ in Replay(STREAM, clock=machine.clock())]

    assert run(main()) == [1.0, 2.0, 600.0]


def test_ten_virtual_minutes_pass_on_the_clock_of_the_test() -> None:
    clock = VirtualClock()
    replay = Replay(STREAM, mode="virtual", clock=clock)

    assert [round(clock.now(), 6) for _ in replay] == [1.0, 2.0, 600.0]
    assert clock.now() == 601.0


def test_a_virtual_replay_has_a_clock_by_default() -> None:
    replay = Replay(STREAM, mode="virtual")

    async def main() -> list[float]:
        return [replay.clock.now() async for _ in replay]

    assert run(main()) == [1.0, 2.0, 600.0]


class Forbidden(VirtualClock):
    def wait_until(self, due: float) -> None:
        raise AssertionError

    async def await_until(self, due: float) -> None:
        raise AssertionError


@pytest.mark.parametrize("reader", [collect, acollect])
def test_an_instant_replay_waits_for_nothing(reader: Any) -> None:
    assert reader(Replay(STREAM, mode="instant", clock=Forbidden()))[0] == CHUNKS


# --- lockstep --------------------------------------------------------------------------------------------------------


def test_in_lockstep_a_chunk_comes_when_it_is_released() -> None:
    replay, seen = Replay(STREAM, mode="lockstep", release_timeout=TIMEOUT_S), list[bytes]()
    came = threading.Semaphore(0)

    def read() -> None:
        for chunk in replay:
            seen.append(chunk)
            came.release()

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 4):
        assert came.acquire(timeout=TIMEOUT_S)
        assert seen == CHUNKS[:number]
        replay.release()
    reader.join(TIMEOUT_S)
    assert not reader.is_alive()


def test_in_lockstep_a_task_is_released_too() -> None:
    replay = Replay(STREAM, mode="lockstep", release_timeout=TIMEOUT_S)

    async def main() -> list[bytes]:
        seen = []
        async for chunk in replay:
            seen.append(chunk)
            replay.release()
        return seen

    assert run(main()) == CHUNKS


@pytest.mark.parametrize(("released", "missing"), [(0, "the next chunk"), (2, "the end of the stream")])
def test_the_error_names_what_was_not_released(released: int, missing: str) -> None:
    replay = Replay(STREAM, mode="lockstep", release_timeout=0)
    chunks = iter(replay)
    for expected in CHUNKS[:released]:
        assert next(chunks) == expected
        replay.release()
    assert next(chunks) == CHUNKS[released]

    with pytest.raises(ReplayNotReleased, match=f"^{missing} was not released within 0 s"):
        next(chunks)


def test_the_next_reader_starts_with_one_chunk_again() -> None:
    replay = Replay(STREAM, mode="lockstep", release_timeout=0)
    first = iter(replay)
    assert next(first) == b"one"
    replay.release()
    replay.release()

    second = iter(replay)
    assert next(second) == b"one"
    with pytest.raises(ReplayNotReleased):
        next(second)


# --- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [collect, acollect])
def test_an_error_is_raised_after_the_chunks(reader: Any) -> None:
    chunks, error = reader(Replay(FAILED, mode="instant"))

    assert chunks == [b"one"]
    assert isinstance(error, ReplayedError)
    assert (str(error), error.error_type, error.message) == ("Function.A: why", "Function.A", "why")


@pytest.mark.parametrize("reader", [collect, acollect])
def test_an_error_of_a_recording_that_was_cut_is_raised_too(reader: Any) -> None:
    assert str(reader(Replay(FAILED[:-1], mode="instant"))[1]) == "Function.A: why"


@pytest.mark.parametrize("reader", [collect, acollect])
def test_a_disconnect_is_raised_after_the_chunks(reader: Any) -> None:
    chunks, error = reader(Replay(BROKEN, mode="instant"))

    assert chunks == [b"one"]
    assert isinstance(error, ReplayedDisconnect)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "fast"}, "mode 'fast': it must be one of real, instant, virtual, lockstep"),
        ({"speed": 0}, "speed 0: "),
        ({"faults": Faults(jitter=3)}, "jitter 3: "),
    ],
)
def test_an_invalid_option_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError) as raised:
        Replay(STREAM, **options)

    assert str(raised.value).startswith(message)


# --- as an event stream ----------------------------------------------------------------------------------------------


def test_an_sdks_reader_gets_head_chunks_and_end() -> None:
    stream = read_stream(Replay(STREAM, mode="instant").as_event_stream())

    assert (stream.status_code, stream.headers, stream.cookies) == (201, {"x-a": "b"}, ["a=1"])
    assert list(stream) == CHUNKS


def test_without_a_head_there_is_no_prelude() -> None:
    stream = read_stream(Replay([ONE, END], mode="instant").as_event_stream())

    assert (stream.prelude, stream.read()) == (None, b"one")


@pytest.mark.parametrize(
    ("events", "message", "partial"),
    [
        (FAILED, "the function failed: Function.A: why", b"one"),
        (BROKEN, "the stream ended without InvokeComplete", b"one"),
    ],
)
def test_an_sdks_reader_sees_how_the_stream_failed(events: list[Event], message: str, partial: bytes) -> None:
    with pytest.raises(StreamFailed) as raised:
        read_stream(Replay(events, mode="instant").as_event_stream()).read()

    assert str(raised.value).startswith(message)
    assert raised.value.partial == partial


class Body:
    """The body of an HTTP response, as botocore reads it."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self._messages = messages

    def stream(self) -> Iterator[bytes]:
        return iter(self._messages)


def parsed_by_botocore(replay: Replay) -> list[dict[str, Any]]:
    operation = Session().get_service_model("lambda").operation_model("InvokeWithResponseStream")
    shape: Any = operation.get_event_stream_output()
    return list(EventStream(Body(replay.event_stream_bytes()), shape, EventStreamJSONParser(), operation.name))


@pytest.mark.parametrize("events", [STREAM, FAILED, [ONE, END]])
def test_botocore_parses_the_encoded_messages_to_the_same_events(events: list[Event]) -> None:
    replay = Replay(events, mode="instant")

    assert parsed_by_botocore(replay) == list(replay.as_event_stream()["EventStream"])


def test_an_error_of_the_function_is_botocores_invoke_complete() -> None:
    complete = parsed_by_botocore(Replay(FAILED, mode="instant"))[-1]["InvokeComplete"]

    assert complete["ErrorCode"] == "Function.A"
    assert json.loads(complete["ErrorDetails"]) == {"errorType": "Function.A", "errorMessage": "why"}


def test_an_event_stream_keeps_the_times() -> None:
    clock = VirtualClock()
    stream = Replay(STREAM, mode="virtual", clock=clock).as_event_stream()["EventStream"]

    assert [clock.now() for _ in stream] == [0.05, 1.0, 2.0, 600.0, 601.0]


def test_a_reader_that_leaves_closes_the_file(path: Path, recwarn: pytest.WarningsRecorder) -> None:
    for number, _ in zip(count(), Replay(path, mode="instant"), strict=False):
        if number == 1:
            break

    async def leave() -> None:
        async for _ in Replay(path, mode="instant"):
            break
        await asyncio.sleep(0)

    run(leave())

    assert not list(recwarn)
