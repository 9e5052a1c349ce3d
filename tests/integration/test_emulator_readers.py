"""What a client's reading does to the function: one that is slow holds it, but at a REST API; one that leaves does not
stop it.
"""

import json
import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from process_table import PROC, resident
from url_client import request, wait_until_one_answers, wire
from waiting import settled, wait_until

CHUNK = 64 * 1024
CHUNKS = 1600  # 100 MB: far beyond what the kernel holds for two connections, which is up to 20 MB on most machines
PATHS = {"url": "", "rest": "/live/stream"}
LITTLE = 16 * 1024 * 1024  # memory that comes and goes in any process


def spools(emulator: EmulatorProcess) -> list[Path]:
    """Return the temporary files that the emulator has open: they have no name any more."""
    files = []
    for descriptor in (PROC / str(emulator.process.pid) / "fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            files.append(descriptor.readlink())
    return [file for file in files if file.name.endswith(" (deleted)") and file.is_relative_to(emulator.scratch)]


def asked(case: str, surface: str, **arguments: object) -> dict[str, Any]:
    """Return what is to be sent to have the case run: to the function's URL, to a REST API, or as SDKs do."""
    if surface in PATHS:
        return {"target": f"{PATHS[surface]}/{case}", **arguments}
    body = json.dumps({"case": case, **arguments}).encode()
    target = "/2021-11-15/functions/cases/response-streaming-invocations"
    return {"target": target, "head": f"Content-Length: {len(body)}", "body": body}


def address(emulator: EmulatorProcess, surface: str) -> str:
    return {"url": emulator.urls["cases"], "rest": emulator.apis["CasesApi"]}.get(surface, emulator.lambda_api)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    """An emulator that holds no response back by itself, as Lambda's bandwidth does."""
    with emulating(tmp_path_factory.mktemp("emulator"), cache, "--limits", "none") as emulator:
        yield emulator


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc how much memory the emulator holds")
@pytest.mark.parametrize(("surface", "case"), [("url", "counted"), ("url", "async_counted"), ("api", "counted")])
def test_a_reader_that_stops_holds_the_generator_and_one_that_reads_on_gets_everything(
    emulator: EmulatorProcess, tmp_path: Path, surface: str, case: str
) -> None:
    note = tmp_path / "note"
    before = resident(emulator.process.pid)

    sent = asked(case, surface, note=str(note), chunks=CHUNKS)
    with wire(address(emulator, surface), receive_buffer=CHUNK, **sent) as connection:
        connection.read_until(bytes(1000))
        held_at = settled(note.read_text)
        held = resident(emulator.process.pid)
        size, end = 0, deque[bytes](maxlen=2)
        for received in connection.read_on():
            size += len(received)
            end.append(received)
        after = resident(emulator.process.pid)

    assert held_at != "done"
    assert int(held_at) < CHUNKS / 2
    assert held < before + LITTLE
    assert note.read_text() == "done"
    assert size > CHUNKS * CHUNK
    assert b"".join(end).endswith(b"\r\n0\r\n\r\n")
    assert after < before + LITTLE


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc what the emulator holds")
def test_a_rest_api_holds_no_generator_for_a_reader_that_stops_and_keeps_the_rest_in_a_file(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    before = resident(emulator.process.pid)

    sent = asked("counted", "rest", note=str(note), chunks=CHUNKS)
    with wire(address(emulator, "rest"), receive_buffer=CHUNK, **sent) as connection:
        connection.read_until(bytes(1000))
        wait_until(lambda: note.exists() and note.read_text() == "done", "the function's note that it has yielded all")
        held = resident(emulator.process.pid)
        assert spools(emulator)
        size, end = 0, deque[bytes](maxlen=2)
        for received in connection.read_on():
            size += len(received)
            end.append(received)
    wait_until(lambda: not spools(emulator), "the end of the temporary file")

    assert held < before + LITTLE
    assert size > CHUNKS * CHUNK
    assert b"".join(end).endswith(b"\r\n0\r\n\r\n")


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc which files the emulator has open")
def test_a_client_of_a_rest_api_that_leaves_leaves_no_file(emulator: EmulatorProcess, tmp_path: Path) -> None:
    note = tmp_path / "note"
    sent = asked("counted", "rest", note=str(note), chunks=CHUNKS)
    with wire(address(emulator, "rest"), receive_buffer=CHUNK, **sent) as connection:
        connection.read_until(bytes(1000))
        wait_until(lambda: spools(emulator), "a temporary file")

    wait_until(lambda: note.read_text() == "done", "the function's note that it has run to its end")
    wait_until(lambda: not spools(emulator), "the end of the temporary file")


@pytest.mark.parametrize("surface", ["url", "rest", "api"])
@pytest.mark.parametrize("case", ["abandoned", "abandoned_early"])
def test_a_function_whose_client_leaves_runs_to_its_end_and_serves_the_next_one(
    emulator: EmulatorProcess, gate: Gate, tmp_path: Path, surface: str, case: str
) -> None:
    note = tmp_path / "note"
    with wire(address(emulator, surface), **asked(case, surface, gate=gate.address, note=str(note))) as connection:
        if case == "abandoned":
            connection.read_until(b"first\n")
        gate.wait_for_function()
    gate.open_for_waiting()

    wait_until(note.exists, "the function's note that it has run to its end")
    wait_until_one_answers(emulator.urls["cases"], {int(note.read_text())})


@pytest.mark.parametrize("target", ["/abandoned_early", "/live/stream/abandoned_early"])
def test_a_client_that_leaves_before_the_first_byte_is_told_as_that(
    emulator: EmulatorProcess, gate: Gate, tmp_path: Path, target: str
) -> None:
    url = emulator.apis["CasesApi"] if target.startswith("/live") else emulator.urls["cases"]
    note = tmp_path / "note"
    told = "the client disconnected before the response began; the function runs to its end"
    with emulator.logged("REPORT") as log, emulator.logged(told):
        with wire(url, target, gate=gate.address, note=str(note)):
            gate.wait_for_function()
        # A client that is gone looks like one that only sends no more, until something is sent to it.
        gate.open_for_waiting()
    wait_until(note.exists, "the function's note that it has run to its end")
    assert not [line for line in log if re.search(r" 502( |$)", line)]


def test_a_client_that_leaves_before_its_request_is_complete_invokes_nothing(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    url = emulator.urls["cases"]
    with wire(url, "/note", head="Content-Length: 100", body=b"so far", note=str(tmp_path / "note")):
        pass

    assert request(url, "/value", value="42").body == b"42"
    assert not (tmp_path / "note").exists()
