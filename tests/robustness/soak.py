"""Send good and failing streams through the layer and the emulator for a while, and see what grows: `make soak`.

Two emulators run, one of which records. Each has two clients: the `steady` function keeps its process, whose handler
raises, whose reader leaves and whose chunks are of a wrong type; the process of the `fragile` one exits, is killed and
times out. All clients pause while samples are taken, so that what is in use for an invocation is not counted.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from emulator_process import EmulatorProcess, emulating
from process_table import PROC, resident
from processes import ROOT
from slopes import Sample, Series, table
from url_client import request
from waiting import wait_until

TEMPLATE = ROOT / "tests" / "data" / "soak" / "template.yaml"
REPORT = Path(__file__).with_name("soak-report.md")
CLIENT_TIMEOUT_S = 60
PAUSE_S = 0.01  # between two invocations of a client: the run is to last, and other work to go on
SLOW_LIMIT_S = 300  # for the warm-up, and for what is missing of the fewest invocations
SAMPLES = 60  # of a run that is long enough: each takes a second, in which the clients rest
SHORTEST_GAP_S = 3  # between two samples
WARM_UP_INVOCATIONS = 300  # of each client, before the first sample: caches and the allocator's arenas fill
WARM_UP_PART = 1 / 6  # of the time, likewise
FEWEST_INVOCATIONS = 1000  # of each emulator: a short run on a slow machine takes longer, and means as much
STEADY = ("small", "asynchronous", "fails", "large", "raises", "small", "wrong", "left")
# A process that ends takes a start, and a second if it is by time. So these are rare.
FRAGILE = ("small", "value") * 10 + ("exits",) + ("small", "value") * 10 + ("exits",) + ("small",) * 20 + ("sleeps",)

Door = Callable[[str], tuple[str, str, bytes | None]]


@dataclass
class Client(threading.Thread):
    """Asks one function for one stream after the other, through one front end after the other."""

    doors: dict[str, Door]
    cases: tuple[str, ...]
    invocations: int = 0
    failure: BaseException | None = None
    _running: threading.Event = field(default_factory=threading.Event)
    _idle: threading.Event = field(default_factory=threading.Event)
    _stopping: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Go on until it is stopped; what goes wrong is kept for `pause` to raise."""
        try:
            for case, door in zip(cycle(self.cases), cycle(self.doors), strict=False):
                if not self._running.is_set():
                    self._rest()
                if self._stopping:
                    return
                self.ask(door, case)
                time.sleep(PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.failure = error
        finally:
            self._idle.set()

    def _rest(self) -> None:
        self._idle.set()
        self._running.wait()
        self._idle.clear()

    @property
    def is_warm(self) -> bool:
        """Whether it has asked often enough for the first sample, or has failed."""
        return self.invocations >= WARM_UP_INVOCATIONS or self.failure is not None

    def go_on(self) -> None:
        """Ask again."""
        self._idle.clear()
        self._running.set()

    def pause(self) -> None:
        """Return when it asks no more."""
        self._running.clear()
        self._idle.wait()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._running.set()
        self.join()

    def ask(self, door: str, case: str) -> int:
        """Have one stream come; 429 is asked again: the function may still be at the one before."""
        url, target, body = self.doors[door](case)
        while True:
            status = _exchange(url, target, body, leaves=case == "left")
            if status != 429:
                break
            time.sleep(PAUSE_S)
        expected = {200, 502} if case in {"raises", "exits", "sleeps", "fails", "wrong"} else {200}
        if status not in expected:
            raise SystemExit(f"{door}, {case}: status {status}")
        self.invocations += 1
        return status


def _exchange(url: str, target: str, body: bytes | None, *, leaves: bool) -> int:
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=CLIENT_TIMEOUT_S)) as connection:
        connection.request("GET" if body is None else "POST", target, body)
        response = connection.getresponse()
        if leaves:
            response.close()
            return response.status
        try:
            response.read()
        except HTTPException:  # the stream was cut, as it should be
            return 502
        return response.status


def doors(emulator: EmulatorProcess, function: str) -> dict[str, Door]:
    """Return the front ends of a function: what to send where."""
    url, sdk = emulator.urls[function], emulator.lambda_api
    found: dict[str, Door] = {
        "url": lambda case: (url, f"/{case}", None),
        "sdk stream": lambda case: (
            sdk,
            f"/2021-11-15/functions/{function}/response-streaming-invocations",
            json.dumps({"case": case}).encode(),
        ),
        "sdk invoke": lambda case: (
            sdk,
            f"/2015-03-31/functions/{function}/invocations",
            json.dumps({"case": case}).encode(),
        ),
    }
    if function == "steady":
        (api,) = emulator.apis.values()
        found["rest"] = lambda case: (api, f"{urlsplit(api).path}/{case}", None)
    return found


class Soaked:
    """One emulator, its clients and the samples of its processes."""

    def __init__(self, name: str, emulator: EmulatorProcess, recordings: Path | None) -> None:
        self.emulator = emulator
        self._recordings = recordings
        self.clients = {
            "steady": Client(doors(emulator, "steady"), STEADY),
            "fragile": Client(doors(emulator, "fragile"), FRAGILE),
        }
        self._own = Series(f"emulator, {name}")
        self._sandbox = Series(f"process of `steady`, {name}", known=setenv_growth())
        self._steady: int | None = None

    def start(self) -> None:
        """Have the clients ready, paused."""
        for client in self.clients.values():
            client.start()

    def sample(self) -> None:
        """Look at the processes. The clients have to be paused."""
        self.clients["fragile"].ask("sdk invoke", "small")  # so that it has its process
        steady = self._steady_process()
        process = self.emulator.process.pid
        wait_until(lambda: _settled(lambda: _counts(process)), "an emulator at rest")
        for file in self._recordings.iterdir() if self._recordings else ():  # a long run would fill the disk
            file.unlink()
        invocations = {name: client.invocations for name, client in self.clients.items()}
        self._own.samples.append(_sample(process, sum(invocations.values())))
        self._sandbox.samples.append(_sample(steady, invocations["steady"]))

    def _steady_process(self) -> int:
        """Return the process of `steady`, which has to be the same each time."""
        url, target, body = self.clients["steady"].doors["sdk invoke"]("process")
        process: int = request(url, target, method="POST", body=body).json()
        if self._steady not in (None, process):
            raise SystemExit("the process of `steady` has not lived through the run")
        self._steady = process
        return process

    @property
    def is_long_enough(self) -> bool:
        """Whether the samples tell what an invocation keeps."""
        return self._own.invocations >= FEWEST_INVOCATIONS

    @property
    def series(self) -> list[Series]:
        """What was seen."""
        return [self._own, self._sandbox]


def _counts(process: int) -> tuple[int, int, int]:
    folder = PROC / str(process)
    descriptors = len(list((folder / "fd").iterdir()))
    threads, children = list((folder / "task").iterdir()), 0
    for thread in threads:
        with suppress(OSError):  # one of the recorder's ends with its recording
            children += len((thread / "children").read_text().split())
    return descriptors, len(threads), children


def _settled(read: Callable[[], object]) -> bool:
    """Whether what `read` gives stays the same for a while."""
    before = read()
    time.sleep(0.3)
    return read() == before


def _sample(process: int, invocations: int) -> Sample:
    return Sample(invocations, resident(process) / 1000, *_counts(process))


@contextmanager
def soaked(name: str, scratch: Path, cache: Path, *, records: bool) -> Iterator[Soaked]:
    """Run an emulator with its clients for the length of the block."""
    folder = scratch / name.replace(" ", "-")
    folder.mkdir()
    recordings = folder / "recordings" if records else None
    options = ["--record", str(recordings)] if recordings else []
    with emulating(folder, cache, *options, template=TEMPLATE, measured=False) as emulator:
        run = Soaked(name, emulator, recordings)
        run.start()
        try:
            yield run
        finally:
            for client in run.clients.values():
                client.stop()


def soak(minutes: float, scratch: Path) -> list[Series]:
    """Return the series of all processes after so many minutes."""
    cache = scratch / "cache"
    with (
        soaked("without recording", scratch, cache, records=False) as plain,
        soaked("with recording", scratch, cache, records=True) as recording,
    ):
        runs, seconds = (plain, recording), minutes * 60
        clients = [client for run in runs for client in run.clients.values()]
        for client in clients:
            client.go_on()
        wait_until(lambda: all(client.is_warm for client in clients), "warm emulators", SLOW_LIMIT_S)
        time.sleep(seconds * WARM_UP_PART)
        end = time.monotonic() + seconds * (1 - WARM_UP_PART)
        while True:
            for client in clients:
                client.pause()
            for run in runs:
                run.sample()
            if time.monotonic() > end and all(run.is_long_enough for run in runs):
                break
            if time.monotonic() > end + SLOW_LIMIT_S:
                raise SystemExit(f"not {FEWEST_INVOCATIONS} invocations in {minutes} minutes and {SLOW_LIMIT_S} s")
            for client in clients:
                client.go_on()
            time.sleep(max(SHORTEST_GAP_S, seconds / SAMPLES))
        return [series for run in runs for series in run.series]


def setenv_growth() -> float:
    """Return how many kilobytes a process keeps when it sets the trace's variable 1,000 times.

    The C library never frees a value that was in the environment, for the program may still point to it (GNU C Library,
    "Environment Access"). AWS's runtime sets the variable for each invocation, and so does the layer.
    """
    script = """
import os
from itertools import count
from pathlib import Path
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1000
def fill(times):
    for _ in range(times):
        n = next(numbers)
        os.environ["_X_AMZN_TRACE_ID"] = f"Root=1-{n:08x}-{n:024x};Parent={n:016x};Sampled=0"
    return resident()
numbers = count()
before = fill(1_000)
print((fill(20_000) - before) / 20)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return float(done.stdout)


def report(found: list[Series], minutes: float) -> str:
    """Return the page that tells what was run where, and what came of it."""
    problems = [problem for series in found for problem in series.problems()]
    model = next(
        (
            line.partition(":")[2].strip()
            for line in (PROC / "cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    verdict = "".join(f"**{problem}.** " for problem in problems) or "Nothing grows beyond its limit."
    return f"""# Soak report

Written by `make soak`; [reliability](../../docs/reference/reliability.md#what-grows) says what the figures mean.

* command: `make soak MINUTES={minutes:g}`
* date: {time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}
* machine: {os.cpu_count()} processors, {model}
* kernel: {platform.system()} {platform.release()}
* Python: {platform.python_version()}

{verdict} The limit of a function's process holds {setenv_growth():.0f} KB that the C library keeps of the variable
`_X_AMZN_TRACE_ID`.

{table(found)}"""


def main() -> int:
    """Run, print and write the report; the status tells whether anything grows."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--report", type=Path, help="the file to write the report to")
    asked = arguments.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        found = soak(asked.minutes, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = report(found, asked.minutes)
    sys.stdout.write(text)
    if asked.report:
        asked.report.write_text(text)
    return 1 if any(series.problems() for series in found) else 0


if __name__ == "__main__":
    sys.exit(main())
