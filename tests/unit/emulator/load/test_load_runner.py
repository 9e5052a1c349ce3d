import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.errors import LoadError
from lambda_streamify_emulator.load import runner as module
from lambda_streamify_emulator.load.figures import LAG_LIMIT_US, LoadFigures
from lambda_streamify_emulator.load.measurement import Measurement
from lambda_streamify_emulator.load.plan import Master, Plan, Worker
from lambda_streamify_emulator.load.report import progress, table
from lambda_streamify_emulator.load.runner import check_free, check_installed, load, running, work
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline

PLAN = Plan("http://127.0.0.1:1/", duration=1)
STREAM = Timeline(41_210, 41_380, 900_000, 1_100_000, 3, 38, Gaps(50_734, 600_000, 600_000, 600_000, 2), "end", None)
GAPS = Distribution()
for gap in (50_734, 600_000):
    GAPS.add(gap)


def figures(*outcomes: tuple[str, str]) -> dict[str, Any]:
    seen = LoadFigures()
    for outcome, reason in outcomes:
        seen.add(Measurement(outcome, 200, reason, STREAM, GAPS))
    return seen.as_dict(10.04)


def program(*told: Mapping[str, Any], last: str = "") -> tuple[str, str]:
    lines = [json.dumps({**figures, "latest": figures}) for figures in told]
    return "-c", f"import sys\nfor line in {lines!r}: print(line, flush=True)\nassert sys.argv[1] == '1'\n{last}"


def loading(
    monkeypatch: pytest.MonkeyPatch, *told: Mapping[str, Any], as_json: bool = False, plan: Plan = PLAN
) -> bool:
    monkeypatch.setattr(module, "running", lambda plan: running(plan, program(*told)))
    return load(plan, as_json=as_json)


def test_it_succeeds_if_each_stream_was_complete(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = figures(), figures(("complete", ""))

    assert loading(monkeypatch, first, last)

    output, errors = capsys.readouterr()
    assert output.splitlines() == table(last)
    assert errors.splitlines() == [progress(first), progress(last)]


@pytest.mark.parametrize("outcome", ["cut", "error status", "unfinished"])
def test_it_fails_if_a_stream_was_incomplete_or_there_was_none(monkeypatch: pytest.MonkeyPatch, outcome: str) -> None:
    seen = LoadFigures()
    if outcome == "unfinished":
        seen.add_unfinished()
    else:
        seen.add(Measurement("complete", 200, "", STREAM, GAPS))
        seen.add(Measurement(outcome, 200, "reason", STREAM, GAPS))

    assert not loading(monkeypatch, seen.as_dict(1))


def test_as_json_there_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    loading(monkeypatch, figures(), figures(("complete", "")), as_json=True)

    output, errors = capsys.readouterr()
    assert (json.loads(output), errors) == (figures(("complete", "")), "")


@pytest.mark.parametrize("as_json", [True, False])
def test_what_cannot_be_trusted_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    seen = LoadFigures()
    seen.add_lag(LAG_LIMIT_US * 2)

    loading(monkeypatch, seen.as_dict(1), as_json=as_json)

    assert capsys.readouterr().err.splitlines()[-1].startswith("warning: the client itself was late")


def test_the_report_is_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<body>Locust")

    loading(monkeypatch, figures(), figures(("complete", "")), plan=replace(PLAN, html=report))

    assert '<section id="streams"' in report.read_text()


def test_a_master_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    loading(monkeypatch, figures(("complete", "")), as_json=True, plan=replace(PLAN, master=Master("*", 6000, 2)))

    waiting = "waiting for 2 workers on port 6000; start one with: streamify load --worker\n"
    assert capsys.readouterr().err == waiting


def test_a_worker_needs_no_plan_and_runs_until_locust_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    right = "import sys; sys.exit(sys.argv[1:6] != ['0', '--locustfile', '-', '--worker', '--master-host'])"
    monkeypatch.setattr(module, "PROGRAM", ("-c", right))
    assert work(Worker())

    monkeypatch.setattr(module, "PROGRAM", ("-c", "import sys; sys.exit(3)"))
    assert not work(Worker())


def test_where_nothing_answers_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LoadError, match=r"^refused$"):
        loading(monkeypatch, figures(("no answer", "refused")))


def test_a_process_that_does_not_start_is_an_error() -> None:
    with pytest.raises(LoadError, match="Locust did not start"):
        list(running(PLAN, ("-c", "")))


def test_an_interrupted_test_prints_its_figures_and_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    first, last = figures(), figures(("complete", ""))
    interrupts = (
        "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "os.kill(os.getppid(), signal.SIGINT)\nsignal.sigwait([signal.SIGINT])\n"
        f"print({json.dumps(last)!r}, flush=True)"
    )

    assert list(running(PLAN, program(first, last=interrupts))) == [{**first, "latest": first}, last]
    waiting = "ending: running streams have 10 seconds to finish; press Ctrl-C again to end them now\n"
    assert capsys.readouterr().err == waiting


INTERRUPT = "os.kill(os.getppid(), signal.SIGINT)\n"


def test_an_interrupt_before_the_first_figures_ends_the_test_at_once() -> None:
    silent = f"import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n{INTERRUPT}signal.pause()"

    with pytest.raises(KeyboardInterrupt):
        list(running(PLAN, ("-c", silent)))


def test_a_second_interrupt_ends_the_test_at_once() -> None:
    deaf = (
        "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        f"{INTERRUPT}signal.sigwait([signal.SIGINT])\n{INTERRUPT}signal.pause()"
    )

    with pytest.raises(KeyboardInterrupt):
        list(running(PLAN, program(figures(), last=deaf)))


def test_without_locust_the_error_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "locust" else 1)

    with pytest.raises(LoadError) as raised:
        check_installed()

    assert str(raised.value) == "streamify load needs Locust: pip install 'lambda-streamify[load]'"


def test_a_port_in_use_is_an_error() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LoadError) as raised:
            check_free(port)

    assert (
        str(raised.value)
        == f"port {port} for Locust's page is not available: Address already in use; free it, or omit --web"
    )
    check_free(port)
