"""Several workers, as the runtime starts them: real processes that ask a Runtime API for their events."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import lambda_streamify
from output_socket import OutputSocket
from process_table import wait_until_idle
from processes import clean_environment
from queued_api import Event, Next, Post, QueuedApi
from waiting import TIMEOUT_S, wait_until

LAYER = Path(lambda_streamify.__file__).parents[1]
WORKERS = 3


class Function:
    """A function that runs with several workers. `lines` is what its processes have printed, one after the other."""

    def __init__(self, process: "subprocess.Popen[bytes]", api: QueuedApi, output: Path) -> None:
        self.process = process
        self.api = api
        self.output = output

    def wait_for_workers(self, count: int = WORKERS) -> None:
        """Wait until so many workers wait for an event at the same time."""
        assert [type(self.api.wait()) for _ in range(count)] == [Next] * count

    def hand_out(self, event: object, status: int = 202) -> None:
        """Give an event to one of the workers that wait. `status` is what the Runtime API says to the answer."""
        headers = {"Lambda-Runtime-Aws-Request-Id": "id", "Content-Type": "application/json"}
        self.api.hand_out(Event(json.dumps(event).encode(), headers, status))

    def post(self) -> Post:
        """Return what a worker posts next."""
        while isinstance(happened := self.api.wait(), Next):
            pass
        assert isinstance(happened, Post), happened
        return happened

    def lines(self) -> list[str]:
        """Return what has been printed."""
        return self.output.read_text().splitlines()

    def end(self) -> int:
        """Return the status of the parent, after its end."""
        return self.process.wait(TIMEOUT_S)


@contextmanager
def function(folder: Path, source: str, **variables: str) -> Iterator[Function]:
    (folder / "app.py").write_text(source)
    output = folder / "output"
    with QueuedApi() as api, output.open("wb") as file:
        environment = clean_environment(
            PYTHONPATH=os.pathsep.join((str(LAYER), str(folder))),
            AWS_LAMBDA_RUNTIME_API=api.address,
            AWS_LAMBDA_MAX_CONCURRENCY=str(WORKERS),
            LAMBDA_TASK_ROOT=str(folder),
            _HANDLER="app.handler",
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "lambda_streamify"],
            env=environment | variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Function(process, api, output)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(TIMEOUT_S)


# --- what runs at the same time --------------------------------------------------------------------------------------

MEETING = f"""
import os, pathlib, time

def handler(event, context):
    pathlib.Path(f"arrived-{{os.getpid()}}").touch()
    while len(list(pathlib.Path().glob("arrived-*"))) < {WORKERS}:
        time.sleep(0.005)
    return os.getpid()
"""


def test_as_many_invocations_run_at_the_same_time_as_there_are_workers(tmp_path: Path) -> None:
    with function(tmp_path, MEETING) as running:
        running.wait_for_workers()
        for number in range(WORKERS):
            running.hand_out(number)

        assert len({running.post().body for _ in range(WORKERS)}) == WORKERS


HELD = """
import pathlib, time

def handler(event, context):
    yield "first"
    while event == "held" and not pathlib.Path("go-on").exists():
        time.sleep(0.005)
    yield "second"
"""


def test_a_stream_that_waits_holds_no_other(tmp_path: Path) -> None:
    with function(tmp_path, HELD) as running:
        running.wait_for_workers()
        running.hand_out("held")
        running.hand_out("quick")
        quick = running.post()
        (tmp_path / "go-on").touch()
        held = running.post()

    for post in (quick, held):
        assert post.body == b"firstsecond"
        assert post.headers["lambda-runtime-function-response-mode"] == "streaming"


def test_a_worker_whose_stream_is_refused_goes_on(tmp_path: Path) -> None:
    with function(tmp_path, HELD, AWS_LAMBDA_MAX_CONCURRENCY="2") as running:
        running.wait_for_workers(2)
        for status in (403, 500, 202):
            running.hand_out("quick", status)
            running.post()
            running.wait_for_workers(1)

        refused = [line for line in running.lines() if "the response was not delivered" in line]
        assert len(running.lines()) == len(refused) == 2


# --- the import of the function --------------------------------------------------------------------------------------

IMPORTING = """
import os, sys
sys.stdout.write(f"imported by {'the parent' if os.getpid() == os.getsid(0) else 'a worker'}\\n")
owner = os.getpid()

def handler(event, context):
    return owner == os.getpid()
"""


def test_each_worker_imports_the_function(tmp_path: Path) -> None:
    with function(tmp_path, IMPORTING) as running:
        running.wait_for_workers()

        assert running.lines() == ["imported by a worker"] * WORKERS


def test_a_preloaded_function_is_imported_once_before_the_fork(tmp_path: Path) -> None:
    with function(tmp_path, IMPORTING, STREAMIFY_PRELOAD="1") as running:
        running.wait_for_workers()
        running.hand_out(None)

        assert running.post().body == b"false"
        assert running.lines() == ["imported by the parent"]


DRAWING = MEETING.replace("return os.getpid()", "import random; return random.random()").replace(
    "import os,", "import random, os,"
)


def test_python_seeds_the_module_random_anew_in_each_worker(tmp_path: Path) -> None:
    with function(tmp_path, DRAWING, STREAMIFY_PRELOAD="1") as running:
        running.wait_for_workers()
        for number in range(WORKERS):
            running.hand_out(number)

        assert len({running.post().body for _ in range(WORKERS)}) == WORKERS


def test_a_preloaded_function_that_fails_is_reported_once(tmp_path: Path) -> None:
    with function(tmp_path, "raise ValueError('broken')", STREAMIFY_PRELOAD="1") as running:
        report = running.post()

        assert (report.path, json.loads(report.body)["errorMessage"]) == ("init/error", "broken")
        assert running.end() == 1


def test_threads_that_a_preloaded_function_has_started_are_named(tmp_path: Path) -> None:
    source = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()

def handler(event, context):
    return threading.active_count()
"""
    with function(tmp_path, source, STREAMIFY_PRELOAD="1", PYTHONWARNINGS="ignore") as running:
        running.wait_for_workers()
        running.hand_out(None)

        assert running.post().body == b"1"
        (line,) = running.lines()
        assert line.startswith("[WARNING]")
        assert line.endswith("threads that STREAMIFY_PRELOAD has started are missing in the workers: 1")


# --- starts and ends -------------------------------------------------------------------------------------------------

LIFESPAN = """
import os, sys
from lambda_streamify import asgi

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    sys.stdout.write(f"started {os.getpid()}\\n")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    sys.stdout.write(f"stopped {os.getpid()}\\n")
    await send({"type": "lifespan.shutdown.complete"})

handler = asgi.handler(app)
"""


@pytest.mark.parametrize("preload", ["0", "1"])
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_an_application_starts_and_stops_once_in_each_worker(
    tmp_path: Path, preload: str, send: Callable[[int, int], None]
) -> None:
    with function(tmp_path, LIFESPAN, STREAMIFY_PRELOAD=preload) as running:
        running.wait_for_workers()
        started = running.lines()
        wait_until_idle(running.process.pid)
        send(running.process.pid, signal.SIGTERM)

        assert running.end() == -signal.SIGTERM
        stopped = running.lines()[WORKERS:]
        assert len(set(started)) == WORKERS
        assert sorted(stopped) == sorted(line.replace("started", "stopped") for line in started)
        assert f"started {running.process.pid}" not in started


def test_without_shutdown_functions_the_workers_end_by_the_signal(tmp_path: Path) -> None:
    with function(tmp_path, IMPORTING) as running:
        running.wait_for_workers()
        running.process.terminate()

        assert running.end() == -signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.killpg(running.process.pid, 0)  # no worker is left


SIGNALLING = """
import os, signal
wait = os.wait

def wait_and_signal():
    ended = wait()
    os.wait = wait
    signal.raise_signal(signal.SIGTERM)
    return ended

os.wait = wait_and_signal

def handler(event, context):
    os._exit(0)
"""


def test_the_signal_reaches_the_other_workers_when_one_has_just_ended(tmp_path: Path) -> None:
    with function(tmp_path, SIGNALLING, STREAMIFY_PRELOAD="1") as running:
        running.wait_for_workers()
        running.hand_out(None)

        assert (running.end(), running.lines()) == (-signal.SIGTERM, [])
        with pytest.raises(ProcessLookupError):
            os.killpg(running.process.pid, 0)  # no worker is left


ENDING = """
import os, sys

def handler(event, context):
    if event == "killed":
        os.kill(os.getpid(), 9)
    if event == "exits":
        sys.exit(3)
    return "answered"
"""


def test_the_other_workers_go_on_without_one_that_has_died(tmp_path: Path) -> None:
    with function(tmp_path, ENDING) as running:
        running.wait_for_workers()
        running.hand_out("killed")
        running.hand_out("exits")
        wait_until(lambda: len(running.lines()) == 2, "two workers end")
        running.hand_out("served")

        assert running.post().body == b'"answered"'
        messages = sorted(line.rpartition("\t")[2].partition(";")[0] for line in running.lines())
        assert messages == [
            "a worker process has ended with exit status 3",
            "a worker process has ended with signal 9",
        ]
        assert running.lines()[-1].endswith("; 1 of 3 are left")

        running.hand_out("exits")
        assert running.end() == 0


def test_a_process_that_the_handler_forks_answers_nothing(tmp_path: Path) -> None:
    source = """
import os

def handler(event, context):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "a child's"
"""
    with function(tmp_path, source) as running:
        running.wait_for_workers()
        running.hand_out(None)

        assert running.post().body == b"1"


# --- settings and output ---------------------------------------------------------------------------------------------


def test_a_setting_that_cannot_be_is_reported_as_a_failed_start(tmp_path: Path) -> None:
    with function(tmp_path, IMPORTING, STREAMIFY_CONCURRENCY="threads") as running:
        report = running.post()

        assert report.path == "init/error"
        assert json.loads(report.body)["errorMessage"] == (
            "STREAMIFY_CONCURRENCY is 'threads'; it must be processes or tasks"
        )
        assert running.end() == 1


def test_one_invocation_at_a_time_needs_no_second_process_and_loads_nothing_for_it(tmp_path: Path) -> None:
    source = """
import os, sys

def handler(event, context):
    return [os.getpid() == os.getsid(0), [name for name in sys.modules if "_concurrency" in name]]
"""
    with function(tmp_path, source, AWS_LAMBDA_MAX_CONCURRENCY="1") as running:
        running.wait_for_workers(1)
        running.hand_out(None)

        assert json.loads(running.post().body) == [True, []]


def test_a_copy_of_the_package_in_the_function_is_named_once(tmp_path: Path) -> None:
    copy = tmp_path / "root" / "lambda_streamify"
    copy.mkdir(parents=True)
    (copy / "__init__.py").write_text('__version__ = "0.0.0"')
    with function(tmp_path, ENDING, LAMBDA_TASK_ROOT=str(copy.parent)) as running:
        running.wait_for_workers()

        assert ["contains lambda_streamify 0.0.0" in line for line in running.lines()] == [True]


def test_what_workers_print_goes_to_lambdas_socket(tmp_path: Path) -> None:
    source = """
import sys

def handler(event, context):
    print("printed")
    print("and to stderr", file=sys.stderr)
"""
    with (
        OutputSocket() as sockets,
        function(tmp_path, source, _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET=sockets.path) as running,
    ):
        running.wait_for_workers()
        running.hand_out(None)
        running.post()

        assert sorted(filter(None, sockets.written())) == [b"and to stderr\n", b"printed\n"]
        assert running.lines() == []


def test_the_parent_says_how_many_workers_begin(tmp_path: Path) -> None:
    variables = {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
    with function(tmp_path, ENDING, **variables) as running:
        running.wait_for_workers()

        (line,) = running.lines()
        assert json.loads(line)["message"] == {
            "event": "runtime_worker_pool_initializing",
            "workerCount": WORKERS,
            "executionEnvironmentMaxConcurrency": WORKERS,
        }
