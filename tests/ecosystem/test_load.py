"""`streamify load`: Locust reads the streams of a real emulator."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import pytest

from documents import blocks
from emulator_fixtures import emulator
from emulator_process import COMMAND, EmulatorProcess, environment, streamify
from gate import Gate
from lambda_streamify_emulator.load.plan import Plan
from lambda_streamify_emulator.load.runner import check_installed, running
from processes import ROOT
from url_client import request
from waiting import TIMEOUT_S, wait_until

__all__ = ["emulator"]

BODY = {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": ["one\n", "two\n", "three\n"]}


# Runs a locustfile where lambda_streamify_emulator is only in the zip, and of what it needs only Locust is installed.
ONLY_LOCUST = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in str(finder)]
sys.path[:] = ["", *(path for path in sys.path if not path.endswith(("/emulator", "/streamify")))]
sys.modules.update(dict.fromkeys(["rich", "typer", "uvicorn", "httptools", "starlette", "boto3"]))
from locust.main import main
main()
"""


def answering(emulator: EmulatorProcess, **response: object) -> str:
    return f"{emulator.urls['cases']}answer?response={quote(json.dumps({**BODY, **response}))}"


def load(target: str, *options: str, **variables: Any) -> dict[str, Any]:
    done = streamify("load", target, "--duration", "2", "--users", "2", "--json", *options, **variables)
    figures: dict[str, Any] = json.loads(done.stdout)
    return {**figures, "status": done.returncode, "errors": done.stderr}


def test_streams_are_read_to_their_ends_and_measured(emulator: EmulatorProcess) -> None:
    figures = load(answering(emulator))

    outcomes = figures["outcomes"]
    assert outcomes["complete"] == figures["statuses"]["200"] >= 2
    assert sum(outcomes.values()) == outcomes["complete"] + outcomes["unfinished"]
    assert figures["bytes"] == 14 * outcomes["complete"]
    for measure in ("first_byte", "whole_stream"):
        spread = figures[measure]
        assert 0 < spread["p50"] <= spread["p95"] <= spread["p99"] <= spread["max"] < 60_000_000
    assert figures["first_byte"]["p50"] <= figures["whole_stream"]["p50"]
    assert figures["chunks"]["max"] <= 3
    assert figures["status"] == 0
    late = "warning: the client itself was late" in figures["errors"]  # which depends on the machine
    assert late is not figures["trusted"]


def test_a_function_is_read_through_its_url(emulator: EmulatorProcess, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    options = ("--event", str(event), "--header", "x-load: yes", "--duration", "1", "--users", "1")

    done = streamify("load", "echo", *options, AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)

    assert done.returncode == 2
    assert "echo: ResourceNotFoundException: " in done.stderr

    done = streamify("load", "cases", *options, AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)

    # There is no case at the path /: each request fails, and is told by its status.
    assert done.returncode == 1
    first, *_, last = done.stdout.splitlines()
    assert first.split() == ["p50", "p95", "p99", "max"]
    assert last.split()[1:] == ["HTTP", "502"]
    assert " failed, first byte p50 -" in done.stderr


def test_a_status_of_an_error_is_a_failure(emulator: EmulatorProcess) -> None:
    figures = load(answering(emulator, statusCode=503), "--duration", "1")

    assert figures["outcomes"]["error status"] == figures["failures"]["HTTP 503"] > 0
    assert figures["outcomes"]["complete"] == 0
    assert figures["status"] == 1


def test_a_body_without_its_end_is_cut_though_its_connection_is_not(emulator: EmulatorProcess) -> None:
    figures = load(answering(emulator), "--duration", "1", "--ends-with", "[DONE]")

    assert figures["outcomes"]["cut"] == figures["failures"]["the body does not end with '[DONE]'"] > 0
    assert (figures["outcomes"]["complete"], figures["status"]) == (0, 1)

    assert load(answering(emulator), "--duration", "1", "--ends-with", "three")["status"] == 0


def test_a_url_that_only_answers_signed_requests_is_read_too(emulator: EmulatorProcess) -> None:
    url = f"{emulator.urls['signed']}value?value=42"

    figures = load(url, "--duration", "1", AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)

    assert list(figures["statuses"]) == ["200"]
    assert figures["status"] == 0


def test_where_nothing_answers_that_is_said() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))  # and not listening
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

        done = streamify("load", url, "--duration", "1")

    assert done.returncode == 2
    assert f"error: {url} does not answer: [Errno 111] Connection refused" in done.stderr


def outcomes(plan: Plan) -> dict[str, int]:
    """Run the plan, and return how many streams ended how."""
    *_, figures = running(plan)
    return {name: count for name, count in figures["outcomes"].items() if count}


def gated(emulator: EmulatorProcess, gate: Gate) -> str:
    return f"{emulator.urls['cases']}gated_body?chunks=2&gate={gate.address}"


def test_a_stream_that_does_not_end_is_left(emulator: EmulatorProcess, gate: Gate) -> None:
    assert outcomes(Plan(gated(emulator, gate), users=1, duration=1, grace=1)) == {"unfinished": 1}


def test_at_a_rate_requests_do_not_wait_for_others_until_all_users_are_busy(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    """No stream ends. Of some 100 requests that are due, two find a user; the others are not forgotten."""
    seen = outcomes(Plan(gated(emulator, gate), users=2, rate=50, duration=2, grace=1))

    assert seen.keys() == {"unfinished", "not started"}
    assert seen["unfinished"] == 2
    assert seen["not started"] > 2


def test_at_a_rate_times_count_from_when_a_request_was_due(emulator: EmulatorProcess) -> None:
    figures = load(answering(emulator), "--rate", "50", "--slo", "ttfb=1ms", "--duration", "3")

    assert figures["outcomes"]["complete"] > 0
    assert figures["wait"]["max"] <= figures["first_byte"]["max"] <= figures["whole_stream"]["max"]
    assert figures["goodput"]["good"] + sum(figures["goodput"]["missed"].values()) == figures["outcomes"]["complete"]
    assert figures["status"] == 0


def test_several_processes_read_and_their_figures_are_added(emulator: EmulatorProcess) -> None:
    figures = load(answering(emulator), "--processes", "2", "--slo", "total=600s")

    outcomes = figures["outcomes"]
    assert outcomes["complete"] == figures["statuses"]["200"] == figures["goodput"]["good"] >= 2
    assert figures["bytes"] == 14 * outcomes["complete"]
    assert figures["client_lag"]["max"] >= 0
    assert figures["status"] == 0


def test_a_master_has_two_workers_read(emulator: EmulatorProcess, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    worker = [str(COMMAND), "load", "--worker", "--master-port", port]
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "2"]
    report = tmp_path / "report.html"
    with ExitStack() as stack:
        workers = [
            stack.enter_context(subprocess.Popen(worker, env=environment(None), stdin=subprocess.DEVNULL))
            for _ in range(2)
        ]
        for process in workers:
            stack.callback(process.kill)

        figures = load(answering(emulator), "--master", *bound, "--html", str(report))

        assert [process.wait(TIMEOUT_S) for process in workers] == [0, 0]
    outcomes = figures["outcomes"]
    assert outcomes["complete"] == figures["statuses"]["200"] >= 2
    assert figures["bytes"] == 14 * outcomes["complete"]
    assert f"{figures['streams']:,} streams in " in report.read_text()


def test_the_report_has_the_streams_and_locusts_own_figures(emulator: EmulatorProcess, tmp_path: Path) -> None:
    figures = load(answering(emulator), "--html", "report.html", cwd=tmp_path)

    report = (tmp_path / "report.html").read_text()
    assert f"{figures['outcomes']['complete']:,} complete" in report
    assert '"method": "first byte"' in report  # among the data that Locust's page draws


def test_a_locustfile_in_a_zip_needs_only_locust(emulator: EmulatorProcess, tmp_path: Path) -> None:
    done = streamify("load", answering(emulator), "--export", tmp_path / "load.zip", "--slo", "total=600s")
    assert done.returncode == 0, done.stderr
    with ZipFile(tmp_path / "load.zip") as archive:
        archive.extractall(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", ONLY_LOCUST, "--headless", "--users", "2", "--run-time", "2s", "--stop-timeout", "60"],
        cwd=tmp_path,
        env=environment(None),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    complete = re.search(r"^(\d+) complete$", done.stderr, re.MULTILINE)
    assert complete is not None, done.stdout + done.stderr
    assert int(complete[1]) > 0
    assert f"{complete[1]} of {complete[1]} streams (100.0 %) within total=600s" in done.stderr


OWN_LOCUSTFILE = """
import os

from locust import task

from lambda_streamify_emulator.load import Measurement, StreamUser


class Reader(StreamUser):
    host = os.environ["URL"]
    rate = 5

    @task
    def story(self) -> None:
        measurement: Measurement = self.stream("value?value=42", name="value")
        assert measurement.outcome == "complete"
        self.stream("value?value=42", method="POST", headers={"content-type": "text/plain"}, body=b"x")
"""


def locust(folder: Path, locustfile: str, **variables: str) -> tuple[str, set[str]]:
    """Run Locust itself in the folder for some seconds; return the table, and the names in Locust's own statistics."""
    (folder / "locustfile.py").write_text(locustfile)
    options = ["--headless", "--users", "4", "--spawn-rate", "4", "--run-time", "4s", "--stop-timeout", "60", "--json"]
    done = subprocess.run(
        [COMMAND.with_name("locust"), *options],
        cwd=folder,
        env=environment(None, **variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    streams = re.search(r"^(\d+) complete", done.stderr, re.MULTILINE)
    assert streams is not None, done.stderr
    assert int(streams[1]) > 0
    return done.stderr, {entry["name"] for entry in json.loads(done.stdout)}


def test_a_locustfile_of_ones_own_reads_streams_at_a_rate(emulator: EmulatorProcess, tmp_path: Path) -> None:
    table, names = locust(tmp_path, OWN_LOCUSTFILE, URL=emulator.urls["cases"])

    assert "\nwait " in table
    assert names == {"value", "/value"}


def test_the_locustfile_of_the_guide_reads_streams(emulator: EmulatorProcess, tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs/guides/load/locust.md", "py")
    host = '"http://127.0.0.1:4001"'
    assert host in code

    table, names = locust(tmp_path, code.replace(host, repr(f"{emulator.urls['cases']}value?value=42&path=")))

    assert "within ttfb=500ms,gap=200ms" in table
    assert names == {"/value", "second story"}


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("rate = 0", "Reader.rate is 0: give a number of streams per second above 0"),
        ('slo = "ttfb=5"', "the limit 'ttfb=5': write ttfb, gap or total with a time"),
    ],
)
def test_a_locustfile_that_makes_no_sense_does_not_start(tmp_path: Path, attribute: str, message: str) -> None:
    (tmp_path / "locustfile.py").write_text(re.sub("rate = 5", attribute, OWN_LOCUSTFILE))

    done = subprocess.run(
        [COMMAND.with_name("locust"), "--headless", "--run-time", "1s"],
        cwd=tmp_path,
        env=environment(None, URL="http://127.0.0.1:1/"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize("processes", [None, 2])
def test_an_interrupt_ends_the_test_and_its_streams_come_to_their_ends(
    emulator: EmulatorProcess, processes: int | None
) -> None:
    told = running(Plan(answering(emulator), users=2, duration=100 * TIMEOUT_S, processes=processes))
    next(figures for figures in told if figures["outcomes"]["complete"])
    os.kill(os.getpid(), signal.SIGINT)
    *_, figures = told

    assert {name for name, count in figures["outcomes"].items() if count} == {"complete"}


def test_locusts_own_page_shows_the_same_streams(emulator: EmulatorProcess) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    figures = running(Plan(answering(emulator), users=1, duration=TIMEOUT_S, web=port, grace=1))
    next(figures)

    def shown() -> set[str]:
        told = json.loads(request(f"http://127.0.0.1:{port}", "/stats/requests").body)
        return {entry["method"] for entry in told["stats"]}

    wait_until(lambda: {"stream", "first byte"} <= shown(), "streams on Locust's page")
    figures.close()  # which ends it


def test_with_locust_the_check_passes() -> None:
    check_installed()
