import asyncio
import json
import os
import signal
import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from asynchronous import run
from lambda_streamify_emulator.commands.replay_serve import check_recording, serve
from lambda_streamify_emulator.errors import AddressError, EmulatorError, FaultError, RecordingFileError
from lambda_streamify_emulator.replays.faults import Faults

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'
HEAD = '[5,"h",{"status_code":201,"headers":{"x-a":"b","x-api-key":"(not recorded)"},"cookies":["c=(not recorded)"]}]\n'
BODY = '[10,"o","one"]\n[20,"o","two"]\n'
END = '[30,"x",{"reason":"end","bytes":6,"chunks":2}]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "story.ndjson"
    path.write_text(HEADER + HEAD + BODY + END)
    return path


async def announced(capsys: pytest.CaptureFixture[str], serving: "asyncio.Task[None]") -> tuple[str, str]:
    """Return standard output and standard error up to the line that says how to try the URL."""
    output = errors = ""
    while "\n" not in output or not (errors.endswith("/\n") or output.startswith("{")):
        await asyncio.sleep(0.001)
        assert not serving.done(), serving.result()
        more = capsys.readouterr()
        output, errors = output + more.out, errors + more.err
    return output, errors


def served(
    path: Path, capsys: pytest.CaptureFixture[str], number: int = signal.SIGTERM, **options: Any
) -> tuple[str, str, tuple[int, bytes]]:
    """Serve until a signal; return what is printed at the start, and what a client receives."""

    async def main() -> tuple[str, str, tuple[int, bytes]]:
        arguments = {"host": "127.0.0.1", "faults": Faults(seed=5), "as_json": False, **options}
        serving = asyncio.create_task(serve(path, port=0, names=[], instant=True, **arguments))
        output, errors = await announced(capsys, serving)
        url = json.loads(output)["url"] if arguments["as_json"] else output.strip()
        got = await asyncio.to_thread(get, url)
        os.kill(os.getpid(), number)
        await serving
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))  # type: ignore[arg-type]
        return output, errors, got

    return run(main())


def get(url: str) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", "/")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_a_signal_and_then_listens_no_more(
    path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    assert served(path, capsys, number)[2] == (201, b"onetwo")


def test_it_prints_what_it_serves_the_seed_and_what_is_hidden(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, errors, _ = served(path, capsys)

    url = output.strip()
    assert url.startswith("http://127.0.0.1:")
    assert errors.splitlines() == [
        f"{path}: 2 chunks, 6 bytes, 0.03 ms; seed 5",
        "omitted, because their values were not recorded: x-api-key, cookie c",
        f"try: curl -N {url}",
    ]


def test_a_recording_that_was_cut_is_reported(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(HEADER + BODY)

    _, errors, got = served(path, capsys)

    assert got == (200, b"onetwo")
    cut = "the recording was cut, so it has no end: its replay ends normally after the last event"
    assert errors.splitlines()[1:-1] == [cut]


def test_chunks_that_were_not_recorded_are_reported(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(HEADER + BODY + END.replace("}]", ',"lost":{"chunks":4,"bytes":9}}]'))

    _, errors, _ = served(path, capsys)

    assert errors.splitlines()[1].startswith("4 chunks are missing, because ")


def test_as_json_the_address_comes_with_seed_and_figures(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, errors, _ = served(path, capsys, as_json=True)

    told = json.loads(output)
    assert (told["seed"], told["left_out"], told["timeline"]["chunks"]) == (5, ["x-api-key", "cookie c"], 2)
    assert told["faults"]["jitter"] == 0
    assert errors == ""


def test_on_ipv6_the_address_has_brackets(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, _, got = served(path, capsys, host="::1")

    assert output.startswith("http://[::1]:")
    assert got == (201, b"onetwo")


@pytest.mark.parametrize(("host", "warnings"), [("0.0.0.0", 1), ("localhost", 0), ("127.0.0.1", 0)])  # noqa: S104
def test_an_address_that_other_machines_can_reach_is_reported(
    path: Path, capsys: pytest.CaptureFixture[str], host: str, warnings: int
) -> None:
    _, errors, _ = served(path, capsys, host=host, as_json=True)

    assert (errors + capsys.readouterr().err).count("anyone who can reach this machine") == warnings


def test_faults_are_served(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert served(path, capsys, faults=Faults(truncate=1))[2] == (201, b"one")


@pytest.mark.parametrize(
    ("content", "options", "kind", "message"),
    [
        (HEADER + "damage\n", {}, RecordingFileError, "{path}: line 2: not JSON: "),
        (HEADER + HEAD.replace('"x-a"', '"x a"'), {}, RecordingFileError, "{path}: the "),
        (HEADER + BODY, {"faults": Faults(error=3)}, FaultError, "error after chunk 3: the recording has only 2"),
        (
            HEADER,
            {"host": "no.such.name.invalid"},
            AddressError,
            "cannot listen on no.such.name.invalid:0 for the replay: there is no such address",
        ),
    ],
)
def test_an_invalid_recording_is_an_error_before_anything_listens(
    path: Path, content: str, options: dict[str, Any], kind: type[EmulatorError], message: str
) -> None:
    path.write_text(content)
    arguments: dict[str, Any] = {"host": "127.0.0.1", "faults": Faults(), **options}

    with pytest.raises(kind) as raised:
        run(serve(path, port=0, names=[], instant=True, as_json=False, **arguments))

    assert str(raised.value).startswith(message.format(path=path))


def test_the_figures_are_those_of_the_file(path: Path) -> None:
    timeline, left_out = check_recording(path)

    assert (timeline.chunks, timeline.bytes, timeline.reason) == (2, 6, "end")
    assert left_out == ["x-api-key", "cookie c"]
