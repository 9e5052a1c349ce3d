"""`streamify load`: Locust reads the streams of a real emulator."""

import json
import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from emulator_fixtures import emulator
from emulator_process import EmulatorProcess, streamify
from gate import Gate
from lambda_streamify_emulator.load.runner import check_installed, running
from url_client import request
from waiting import TIMEOUT_S, wait_until

__all__ = ["emulator"]

BODY = {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": ["one\n", "two\n", "three\n"]}


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
    assert (figures["status"], figures["errors"]) == (0, "")


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


def test_a_stream_that_does_not_end_is_left(emulator: EmulatorProcess, gate: Gate) -> None:
    url = f"{emulator.urls['cases']}gated_body?chunks=2&gate={gate.address}"
    plan: dict[str, Any] = {
        "url": url,
        "method": "GET",
        "body": None,
        "headers": {},
        "users": 1,
        "spawn_rate": 1,
        "duration": 1,
        "web": None,
    }

    *_, figures = running({**plan, "grace": 0.1})

    assert {name: count for name, count in figures["outcomes"].items() if count} == {"unfinished": 1}


def test_locusts_own_page_shows_the_same_streams(emulator: EmulatorProcess) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    plan: dict[str, Any] = {
        "url": answering(emulator),
        "method": "GET",
        "body": None,
        "headers": {},
        "users": 1,
        "spawn_rate": 1,
    }
    figures = running({**plan, "duration": TIMEOUT_S, "web": port, "grace": 1})
    next(figures)

    def shown() -> set[str]:
        told = json.loads(request(f"http://127.0.0.1:{port}", "/stats/requests").body)
        return {entry["method"] for entry in told["stats"]}

    wait_until(lambda: {"stream", "first byte"} <= shown(), "streams on Locust's page")
    figures.close()  # which ends it


def test_with_locust_the_check_passes() -> None:
    check_installed()
