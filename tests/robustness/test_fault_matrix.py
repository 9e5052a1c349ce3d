"""Each cell of the fault matrix, with the real emulator and the built layer, through all front ends at once."""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock

import pytest

from emulator_process import EmulatorProcess, emulating
from fault_matrix import MATRIX, Cell, Fault, FrontEnd, Outcome, Place
from fault_template import at_import_file, write_template
from front_ends import Door, Seen
from gate import Gate
from url_client import Wire
from waiting import wait_until

# 6 MB pass at once and 2 MB a second behind them, so the function is held within the chunk, whatever the kernel keeps.
LARGE = 32 * 1024 * 1024
READ_THROUGH = 12 * 1024 * 1024  # likewise, where all of it is read
RECORDED = 2 * 1024 * 1024  # far beyond the emulator's log, which the limit on the size of files is to let through
REST_BUSY = b'{"message": "Internal server error"}'  # API Gateway says no more of a function that is throttled
FIRST, LAST = b"first\n", b"last\n"
CASES = count()
DISK = Lock()  # there is one, which is full for one front end at a time

CELLS = [
    pytest.param(fault, place, cell, id=f"{fault.name}: {place.value}")
    for fault in MATRIX
    for place, cell in fault.cells.items()
    if isinstance(cell, Cell)
]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory and processes are looked up in /proc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def emulator(folder: Path, cache: Path) -> Iterator[EmulatorProcess]:
    template = write_template(folder)
    with emulating(folder, cache, "--record", str(folder / "recordings"), template=template, measured=False) as made:
        yield made


def kind(fault: Fault) -> str:
    if fault.strikes == "times out":
        return "brief"
    return "refused" if fault.strikes.isdigit() or fault.strikes == "closes" else "plain"


@pytest.mark.parametrize(("fault", "place", "cell"), CELLS)
def test_a_fault_ends_as_the_matrix_says_and_the_next_invocation_works(
    emulator: EmulatorProcess, folder: Path, fault: Fault, place: Place, cell: Cell
) -> None:
    doors = [Door(emulator, kind(fault), front_end) for front_end in cell.front_ends]
    with ThreadPoolExecutor(len(doors)) as pool:
        cases = [Case(emulator, folder, fault, place, cell=cell, door=door) for door in doors]
        list(pool.map(Case.run, cases))


class Case:
    """One cell at one front end."""

    def __init__(
        self, emulator: EmulatorProcess, folder: Path, fault: Fault, place: Place, *, cell: Cell, door: Door
    ) -> None:
        self.door = door
        self._emulator = emulator
        self._at_import = at_import_file(folder, door.function)
        self._fault = fault
        self._place = place
        self._cell = cell
        self._large = 0

    def run(self) -> None:
        """Run it; what fails names the front end."""
        try:
            self._run()
        except AssertionError as error:
            raise AssertionError(f"{self.door.front_end.value}: {error}") from error

    def _run(self) -> None:
        """Have the fault strike, then look at what came, at the log, and at the next invocation."""
        before = self._process()
        log = self._cell.log
        if self.door.front_end is FrontEnd.BUFFERED and self._cell.buffered_log:
            log = self._cell.buffered_log
        lines = [text.format(function=self.door.function) for text in log]
        with self._emulator.logged(*lines):
            seen, struck = self._strike(before)
        if seen is not None:
            self._check(seen)
        after = self._process(tolerant=self._place is Place.IDLE)
        same = after == (struck or before)
        assert same == self._cell.survives, f"the next invocation runs in {'the same' if same else 'another'} process"

    def _process(self, *, tolerant: bool = False) -> int:
        """Return the id of the process that answers; one that is busy still is waited for.

        If `tolerant`, an invocation may fail: for a moment the emulator has not noticed the end of an idle process.
        """
        found: list[int] = []

        def answers() -> bool:
            with self.door.ask(place="none") as connection:
                seen = self.door.seen(_rest(connection))
            works = (seen.status, seen.whole, seen.error) == (200, True, "")
            assert works or tolerant or seen.status == 429 or seen.body == REST_BUSY, seen
            if works:
                found.append(int(seen.body))
            return bool(found)

        wait_until(answers, f"an answer of {self.door.function}")
        return found[0]

    # --- the faults --------------------------------------------------------------------------------------------------

    def _strike(self, process: int) -> tuple[Seen | None, int | None]:
        """Return what the client saw, and the process that the fault struck if it is a new one."""
        strikes, place = self._fault.strikes, self._place
        if place is Place.IMPORT:
            return self._strike_at_import()
        if place is Place.IDLE and strikes == "is killed":
            os.kill(process, signal.SIGKILL)
            return None, None
        if kind(self._fault) == "refused":
            return self._refuse(), None
        if strikes == "full disk":
            return self._fill_disk(), None
        with Gate() as gate:
            return self._strike_in_stream(gate), None

    def _end_process(self) -> None:
        """Have the process end in an invocation, which is answered when the emulator has noticed."""
        with self.door.ask(place="before", fault="exits") as connection:
            assert _rest(connection)

    def _strike_at_import(self) -> tuple[Seen | None, int | None]:
        self._end_process()
        strikes = self._fault.strikes
        with Gate() as gate:
            asked = {"fault": strikes, "gate": gate.address}
            if kind(self._fault) == "refused":
                asked = {"fault": "raises", "refusal": strikes}
            self._at_import.write_text(json.dumps(asked))
            try:
                with self.door.ask(place="none") as connection:
                    if strikes == "leaves":
                        gate.wait_for_function()
                        connection.close()
                        gate.open_for_waiting()
                        return None, self._process()
                    if "gate" in asked:
                        gate.open()
                    return self.door.seen(_rest(connection)), None
            finally:
                self._at_import.unlink()

    def _refuse(self) -> Seen:
        place = self._place.name.lower()
        asked = {"place": place, "refusal": self._fault.strikes, "case": str(next(CASES))}
        if self._place is Place.LARGE:
            asked["large"] = str(RECORDED)
        with self.door.ask(**asked) as connection:
            seen = self.door.seen(_rest(connection))
        self._large = int(asked.get("large", 0))
        return seen

    def _fill_disk(self) -> Seen:
        """A limit on the size of the emulator's files stands for the full disk: both make a write fail."""
        (expected,) = self._cell.log
        self._large = RECORDED
        place = Place.MIDDLE if self._place is Place.LARGE else self._place  # it has to be held before the chunk
        asked = {"place": place.name.lower(), "large": str(RECORDED)}
        with DISK, Gate() as gate, self.door.ask(**asked, gate=gate.address) as connection:
            gate.wait_for_function()
            with (
                no_file_beyond(self._emulator, RECORDED // 2),
                self._emulator.logged(expected.format(function=self.door.function)),
            ):
                gate.open_for_waiting()
                raw = _rest(connection)
        return self.door.seen(raw)

    def _strike_in_stream(self, gate: Gate) -> Seen | None:
        strikes, place, streams = self._fault.strikes, self._place, self.door.front_end in _READ_ON
        asked = {"place": place.name.lower(), "fault": strikes, "gate": gate.address}
        if place is Place.LARGE:
            self._large = READ_THROUGH if strikes in {"stalls", "leaves"} else LARGE
            asked["large"] = str(self._large)
        with self.door.ask(**asked) as connection:
            came = b""
            if streams and place in (Place.MIDDLE, Place.LARGE):
                came = connection.read_until(FIRST)
            if streams and place is Place.LARGE:
                came += connection.read_until(b"x" * 1024)
            if streams and place is Place.END and strikes != "stalls":
                came = connection.read_until(LAST)
            gate.wait_for_function()
            if strikes == "leaves":
                connection.close()
            gate.open_for_waiting()
            if strikes == "leaves":
                return None
            return self.door.seen(came + _rest(connection))

    # --- what is seen ------------------------------------------------------------------------------------------------

    def _check(self, seen: Seen) -> None:
        front_end, error = self.door.front_end, self._cell.error
        outcome = self._cell.outcome
        body = FIRST + b"second\n" + b"x" * self._large + LAST
        if outcome is Outcome.COMPLETE:
            expected = None if self._place is Place.IMPORT else body
            assert (seen.status, seen.whole, seen.error) == (200, True, "")
            assert expected is None or seen.body == expected, seen.body[-100:]
            return
        failed = outcome is Outcome.FAILED or front_end is FrontEnd.BUFFERED
        if front_end is FrontEnd.SDK_INVOKE:
            assert (seen.status, seen.error) == (200, "Unhandled"), seen
            assert not seen.body or "errorType" in json.loads(
                seen.body
            )  # of a response that was cut there is no report
        elif front_end is FrontEnd.SDK_STREAM:
            assert (seen.status, seen.error) == (200, error), (seen.status, seen.error, seen.body[:300])
        elif failed and front_end is FrontEnd.REST:
            assert (seen.status, seen.body) == (502, b'{"message": "Internal server error"}'), seen
        elif failed:
            assert (seen.status, seen.body) == (502, b"Internal Server Error"), seen
        else:
            assert (seen.status, seen.whole) == (200, front_end is FrontEnd.STREAM), (seen.status, seen.whole)
        if not failed and front_end in _READ_ON:
            assert seen.body, "nothing came"
            assert body.startswith(seen.body), seen.body[-100:]
            assert self._place is Place.END or seen.body != body, "the body came whole"


_READ_ON = (FrontEnd.STREAM, FrontEnd.SDK_STREAM, FrontEnd.REST)


def _rest(connection: Wire) -> bytes:
    return b"".join(connection.read_on())


@contextmanager
def no_file_beyond(emulator: EmulatorProcess, size: int) -> Iterator[None]:
    """Have the emulator's writes beyond this size of a file fail, for the length of the block."""
    process = emulator.process.pid
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
