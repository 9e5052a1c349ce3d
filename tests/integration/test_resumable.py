"""Streams that a reader comes back to: each request lands in a sandbox of its own, as on AWS."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from emulator_process import EmulatorProcess
from gate import Gate
from lambda_streamify.resume import FAILED, LOST, RUNNING, STOPPED, Run, SQLiteStore
from resumable_emulator import resumable_emulator
from url_client import Wire, request, wire
from waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[tuple[EmulatorProcess, SQLiteStore]]:
    with resumable_emulator(tmp_path_factory.mktemp("resumable"), cache) as serving:
        yield serving


class Stream:
    """One run. `gate` holds its writer after each token."""

    def __init__(self, serving: tuple[EmulatorProcess, SQLiteStore], gate: Gate, stack: ExitStack) -> None:
        emulator, self._store = serving
        self.url = emulator.urls["runs"]
        self.gate = gate
        self.key = uuid4().hex
        self._stack = stack

    def connect(self, last_event_id: str = "", **query: Any) -> "Connection":
        """Send a request."""
        head = f"Last-Event-ID: {last_event_id}" if last_event_id else ""
        query = {"key": self.key, "gate": self.gate.address, "count": 3, **query}
        return Connection(self._stack.enter_context(wire(self.url, "/stream", head=head, **query)))

    def run(self) -> Run:
        """Return what the store has."""
        found = self._store.find(self.key)
        assert found is not None
        return found

    def ends(self, state: str) -> None:
        """Wait until the run has ended so."""
        wait_until(lambda: self.run().state != RUNNING, "the run to end")
        assert self.run().state == state


class Connection:
    """One response. `process` is the process that sends it."""

    def __init__(self, stream: Wire) -> None:
        self.wire = stream
        self.head = stream.read_until(b"\r\n\r\n").decode().lower()
        self.status = int(self.head.split()[1])
        self.process = int(self.head.partition("x-process: ")[2].split()[0])

    def event(self) -> tuple[str, str]:
        """Return the id and the data of the next event, as soon as it is there."""
        fields: dict[str, str] = {}
        while "id" not in fields:
            lines = self.wire.read_until(b"\n\n").decode().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        return fields["id"], fields["data"]

    def ended(self) -> str:
        """Return what comes up to the end of the response."""
        return self.wire.read_until(b"\r\n0\r\n").decode()


@pytest.fixture
def stream(serving: tuple[EmulatorProcess, SQLiteStore], gate: Gate) -> Iterator[Stream]:
    with ExitStack() as stack:
        yield Stream(serving, gate, stack)


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_reader_that_comes_back_is_served_by_another_process_while_the_run_goes_on(stream: Stream, form: str) -> None:
    first = stream.connect(form=form)
    _, process = first.event()
    last, data = first.event()
    assert (int(process), data) == (first.process, "token1")
    stream.gate.wait_for_function()
    first.wire.close()  # and nobody tells the function

    second = stream.connect(last, form=form)
    assert second.process != first.process
    stream.gate.open_for_waiting()
    assert second.event()[1] == "token2"
    stream.gate.open()
    last, data = second.event()
    assert data == "token3"
    stream.gate.open()
    second.ended()

    assert stream.connect(last, form=form).status == 204


def test_two_readers_of_a_run_get_each_event_while_the_writer_holds_the_next_one_back(stream: Stream) -> None:
    writer = stream.connect()
    readers = [stream.connect(), stream.connect()]
    assert len({writer.process, *(reader.process for reader in readers)}) == 3
    events = [[connection.event()] for connection in (writer, *readers)]

    for _ in range(3):
        for seen, connection in zip(events, (writer, *readers), strict=True):
            seen.append(connection.event())
        stream.gate.open()

    assert [data for _, data in events[0]][1:] == ["token1", "token2", "token3"]
    assert events[0] == events[1] == events[2]
    for connection in (writer, *readers):
        connection.ended()


def test_a_run_goes_on_to_its_end_without_any_reader(stream: Stream) -> None:
    first = stream.connect()
    last, _ = first.event()
    first.wire.close()

    for _ in range(3):
        stream.gate.open()
    wait_until(lambda: stream.run().state != RUNNING, "the run to end")

    late = stream.connect(last)
    assert [late.event()[1] for _ in range(3)] == ["token1", "token2", "token3"]
    late.ended()


def test_a_reader_learns_within_its_timeout_that_the_writer_has_died(stream: Stream) -> None:
    writer = stream.connect()
    reader = stream.connect(writer_timeout=3)
    last = [reader.event() for _ in range(2)][-1][0]
    stream.gate.wait_for_function()

    os.kill(writer.process, signal.SIGKILL)

    told, data = reader.event()
    assert data == '{"errorType":"RunFailed","errorMessage":"the stream was cut off"}'
    assert stream.run().state == LOST
    again = stream.connect(last)
    assert again.event() == (told, data)
    assert stream.connect(told).status == 204


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_stop_ends_the_run_for_its_client_and_for_every_reader(stream: Stream, form: str) -> None:
    writer = stream.connect(form=form)
    reader = stream.connect(form=form)
    for connection in (writer, reader):
        assert [connection.event()[1] for _ in range(2)][1] == "token1"
    stream.gate.wait_for_function()

    assert request(stream.url, "/stop", key=stream.key).json() == {"stopped": True}
    if form == "sync":  # its wait cannot be interrupted
        beats = stream.run().beats
        wait_until(lambda: stream.run().beats > beats, "the writer to be told")
        stream.gate.open_for_waiting()

    for connection in (writer, reader):
        assert "event: stopped" in connection.ended()
    stream.ends(STOPPED)
    assert request(stream.url, "/stop", key=stream.key).json() == {"stopped": False}


def test_a_source_that_fails_fails_for_every_reader(stream: Stream) -> None:
    writer = stream.connect()
    reader = stream.connect()
    for connection in (writer, reader):
        assert [connection.event()[1] for _ in range(2)][1] == "token1"
    stream.gate.wait_for_function()

    stream.gate.close()

    stream.ends(FAILED)


@pytest.mark.parametrize("forged", ["1", "another-1"])
def test_a_forged_id_is_answered_with_400_and_asks_no_model(stream: Stream, forged: str) -> None:
    assert request(stream.url, "/stream", headers={"last-event-id": forged}, key=stream.key).status == 400
    stream.connect()
    assert request(stream.url, "/stream", headers={"last-event-id": forged}, key=stream.key).status == 400
