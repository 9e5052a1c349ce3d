"""The lines of `streamify serve` about requests: from real clients, of every kind of front end."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from url_client import request, wire
from waiting import wait_until

PREFLIGHT = {"origin": "https://evil.example", "access-control-request-method": "PUT"}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Any:
    scratch = tmp_path_factory.mktemp("emulator")
    with emulating(scratch, cache, "--log-format", "json", "--log-file", f"{scratch}/log", measured=False) as emulator:
        yield emulator


def ask(emulator: EmulatorProcess, url: str, path: str, **options: Any) -> dict[str, Any]:
    """Send a request; return the record of it."""
    wanted = f"{path}?mark"
    request(url, wanted, **options)
    return record(emulator, path)


def record(emulator: EmulatorProcess, path: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        records = [json.loads(line) for line in emulator.log().splitlines()]
        return [one for one in records if one["type"] == "request" and one["path"] == path]

    wait_until(lambda: bool(found()), f"a record of {path}")
    (only,) = found()
    return only


def test_a_stream_has_its_function_its_size_and_its_times(emulator: EmulatorProcess) -> None:
    answer = {"statusCode": 201, "body": ["one", "two"]}

    request(emulator.urls["cases"], "/answer", method="POST", response=answer)

    line = record(emulator, "/answer")
    assert (line["method"], line["status"], line["ending"], line["function"]) == ("POST", 201, "complete", "cases")
    assert (line["bytes"], line["reason"]) == (6, None)
    assert line["chunks"] in (1, 2)
    assert 0 < line["first_byte_s"] <= line["duration_s"]


@pytest.mark.parametrize(
    ("name", "path", "options", "expected"),
    [
        ("off", "/throttled", {}, (429, "throttled: ReservedFunctionConcurrentInvocationLimitExceeded")),
        ("signed", "/unsigned", {}, (403, "not signed as the URL requires")),
        ("exiting", "/exits", {}, (502, None)),
        ("cases", "/too-large", {"method": "POST", "body": bytes(6_300_000)}, (413, "request too large")),
        (
            "shared",
            "/preflight",
            {"method": "OPTIONS", "headers": PREFLIGHT},
            (200, "preflight refused: the origin https://evil.example is not allowed"),
        ),
        ("cases", "/host", {"headers": {"host": "evil.example"}}, (403, None)),
    ],
)
def test_what_the_front_end_answers_itself_has_a_line_too(
    emulator: EmulatorProcess, name: str, path: str, options: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    line = ask(emulator, emulator.urls[name], path, **options)

    assert (line["status"], line["reason"]) == expected
    assert (line["function"], line["ending"]) == (name, "complete")


def test_a_rest_api_names_itself_and_the_function_if_a_route_fits(emulator: EmulatorProcess) -> None:
    api = emulator.apis["CasesApi"]

    found = ask(emulator, api, "/live/whole/value")
    unknown = ask(emulator, api, "/live/absent")

    assert (found["api"], found["function"]) == ("CasesApi", "cases")
    assert (unknown["api"], unknown["function"], unknown["status"]) == ("CasesApi", None, 403)
    assert unknown["reason"] == "no such route"


def test_a_client_that_leaves_is_told_from_one_that_reads_to_the_end(emulator: EmulatorProcess, gate: Gate) -> None:
    with wire(emulator.urls["cases"], "/gated_body", chunks=2, gate=gate.address) as client:
        client.read_until(b"chunk 0")
    line = record(emulator, "/gated_body")
    gate.open()
    gate.open()

    assert (line["status"], line["ending"]) == (200, "client left")


def test_the_file_gets_the_same_lines(emulator: EmulatorProcess) -> None:
    ask(emulator, emulator.urls["cases"], "/value")

    lines = (emulator.scratch.parent / "log").read_text().splitlines()
    assert set(lines) <= set(emulator.log().splitlines())
    assert {json.loads(line)["type"] for line in lines} == {"log", "request"}


def test_people_get_a_line_of_text_and_with_quiet_only_problems(tmp_path: Path, cache: Path) -> None:
    options = ("--quiet", "--log-file", f"{tmp_path}/log", "--only", "cases")
    with emulating(tmp_path, cache, *options, measured=False) as emulator:
        url = emulator.urls["cases"]
        request(url, "/value", value=42)
        with emulator.logged("/absent 502") as shown:
            request(url, "/absent")

    text = (tmp_path / "log").read_text()
    duration = r"[0-9.]+ m?s"
    assert re.search(
        rf"^GET /value\?value=42 200 {duration} first byte {duration} 1 chunk 2 B  cases$", text, re.MULTILINE
    )
    assert re.search(r"^START RequestId: ", text, re.MULTILINE)
    assert not any("RequestId: " in line and line.startswith("cases | START") for line in shown)
    assert "/value" not in emulator.log()
