"""The sample `replay` as its Makefile builds it, with a clock of the test's."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify import StreamingResponse
from lambda_streamify_emulator.recordings import recording
from processes import ROOT, clean_environment, run

FOLDER = ROOT / "functions" / "replay"
CARRIED = {
    "errors",
    *(f"recordings/{name}" for name in ("__init__", "recording")),
    *(f"replays/{name}" for name in ("__init__", "clocks", "faults", "playback")),
}
LINES = (
    {"version": 1, "kind": "lambda-stream", "layer": "client"},
    [
        1_000_000,
        "h",
        {
            "status_code": 201,
            "headers": {"content-type": "text/event-stream", "date": "today", "x-api-key": "(not recorded)"},
            "cookies": ["theme=dark", "session=(not recorded)"],
        },
    ],
    [2_000_000, "o", "Ünë\n"],
    [3_000_000, "later", "what a newer version of the format may hold"],
    [4_000_000, "b", "/wD+"],
    [600_000_000, "o", "three"],
    [601_000_000, "x", {"reason": "end", "bytes": 14, "chunks": 3}],
)
CHUNKS: list[Any] = ["Ünë\n", b"\xff\x00\xfe", "three"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is deployed."""
    artifacts = tmp_path_factory.mktemp("replay") / "artifacts"
    elsewhere = tmp_path_factory.mktemp("copy")
    (elsewhere / "app.py").write_bytes((FOLDER / "app.py").read_bytes())
    command = ("make", "--makefile", FOLDER / "Makefile", "build-ReplayFunction")
    run(*command, cwd=elsewhere, env=clean_environment(ARTIFACTS_DIR=str(artifacts)), umask=0o077)
    return artifacts


@pytest.fixture
def app(built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function's module, on a clock that jumps to what is waited for."""
    monkeypatch.syspath_prepend(built)
    module = import_module("app")
    clock = import_module("carried.replays.clocks").VirtualClock()
    monkeypatch.setattr(module, "RealClock", lambda: clock)
    module.clock = clock  # type: ignore[attr-defined]
    yield module
    for name in [name for name in sys.modules if name == "app" or name.partition(".")[0] == "carried"]:
        del sys.modules[name]


@pytest.fixture
def recorded(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with the lines of a recording: it is then the one named `mine`."""

    def write(*lines: Any) -> None:
        path = tmp_path / "mine.ndjson"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        monkeypatch.setattr(app, "RECORDINGS", {"mine": path})

    write(*LINES)
    return write


def replayed(app: Any, **query: str) -> Any:
    return app.lambda_handler({"queryStringParameters": {"recording": "mine", **query}}, None)


def timed(app: Any, response: Any) -> list[tuple[float, Any]]:
    """The chunks with the time at which each came."""
    return [(app.clock.now(), chunk) for chunk in response.body]


def as_bytes(chunk: Any) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else chunk


def test_it_carries_its_recordings_and_what_reads_them_and_all_may_read_it(built: Path) -> None:
    files = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}

    assert files == {
        "app.py",
        *(f"carried/{name}.py" for name in CARRIED),
        *(f"recordings/{path.name}" for path in (ROOT / "events").glob("*.ndjson")),
    }
    assert {path.stat().st_mode & 0o777 for path in built.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in built.rglob("*") if path.is_dir()} == {0o755}


def test_what_it_carries_needs_the_standard_library_alone(built: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(built)!r}); "
        f"import {', '.join(f'carried.{name}' for name in sorted(CARRIED)).replace('/', '.')}; "
        "print(*{name.partition('.')[0] for name in sys.modules} - {*sys.stdlib_module_names, '__main__', 'carried'})"
    )

    assert run(sys.executable, "-I", "-S", "-c", program).split() == []


@pytest.mark.usefixtures("recorded")
def test_status_headers_and_cookies_come_at_their_time_without_what_was_not_recorded(app: Any) -> None:
    response = replayed(app)

    assert isinstance(response, StreamingResponse)
    assert (response.status_code, response.headers) == (201, {"content-type": "text/event-stream"})
    assert (response.cookies, response.eager) == (["theme=dark"], True)
    assert app.clock.now() == 1


@pytest.mark.usefixtures("recorded")
def test_each_chunk_comes_at_its_time_and_whole(app: Any) -> None:
    assert timed(app, replayed(app)) == list(zip([2, 4, 600], CHUNKS, strict=True))
    assert app.clock.now() == 601


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("query", "times"),
    [
        ({"speed": "2"}, [1, 2, 300]),
        ({"instant": ""}, [0, 0, 0]),
        ({"idle_limit": "1"}, [2, 3, 4]),
        ({"stall": "2:10"}, [2, 4, 610]),
        ({"truncate": "2"}, [2, 4]),
    ],
)
def test_other_times_if_asked(app: Any, query: dict[str, str], times: list[float]) -> None:
    found = timed(app, replayed(app, **query))

    assert found == list(zip(times, CHUNKS, strict=False))


@pytest.mark.usefixtures("recorded")
def test_what_is_drawn_by_lot_is_the_same_with_the_seed_that_is_printed(
    app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = timed(app, replayed(app, jitter="0.5"))
    seed = capsys.readouterr().out.split()[-1]
    start = app.clock.now()

    again = timed(app, replayed(app, jitter="0.5", seed=seed))

    assert [round(time - start, 6) for time, _ in again] == [round(time, 6) for time, _ in first]
    assert [time for time, _ in first] != [2, 4, 600]


@pytest.mark.usefixtures("recorded")
def test_slices_put_together_are_the_chunks(app: Any) -> None:
    pieces = [as_bytes(piece) for piece in replayed(app, slice="2").body]

    assert list(map(len, pieces)) == [2, 2, 2, 2, 1, 2, 2, 1]
    assert b"".join(pieces) == b"".join(map(as_bytes, CHUNKS))


def test_an_error_comes_after_the_chunks_before_it_by_its_own_name(app: Any, recorded: Any) -> None:
    error = [3_000_000, "e", {"type": "Function.KeyError", "message": "'time'"}]
    recorded(*LINES[:3], error, [3_000_000, "x", {"reason": "error", "bytes": 6, "chunks": 1}])
    body = iter(replayed(app).body)

    assert next(body) == CHUNKS[0]
    with pytest.raises(Exception, match=r"^'time'$") as raised:
        next(body)
    assert type(raised.value).__name__ == "KeyError"


@pytest.mark.parametrize(
    ("reason", "name"), [("timeout", "Timedout"), ("disconnect", "ReplayedDisconnect"), ("error", "Unknown")]
)
def test_an_end_that_was_none_is_an_error(app: Any, recorded: Any, reason: str, name: str) -> None:
    recorded(*LINES[:2], [3_000_000, "x", {"reason": reason, "bytes": 0, "chunks": 0}])

    with pytest.raises(Exception, match=r".") as raised:
        next(iter(replayed(app).body))
    assert type(raised.value).__name__ == name


@pytest.mark.usefixtures("recorded")
def test_an_error_that_is_asked_for_comes_too(app: Any) -> None:
    body = iter(replayed(app, error="1").body)

    assert next(body) == CHUNKS[0]
    with pytest.raises(Exception, match=r"^an injected error$"):
        next(body)


def test_an_error_before_the_head_leaves_the_status_open(app: Any, recorded: Any) -> None:
    recorded(LINES[0], [5, "e", {"type": "Function.A", "message": "why"}])
    response = replayed(app)

    assert response.eager is False
    with pytest.raises(Exception, match=r"^why$"):
        next(iter(response.body))


def test_a_recording_without_a_head_is_a_plain_response(app: Any, recorded: Any) -> None:
    recorded({**LINES[0], "layer": "yield"}, *LINES[2:])
    response = replayed(app)

    assert (response.status_code, response.headers, response.eager) == (200, {}, False)
    assert list(response.body) == CHUNKS


def test_an_empty_recording_is_an_empty_response(app: Any, recorded: Any) -> None:
    recorded(LINES[0])

    assert list(replayed(app).body) == []


def test_without_a_name_it_is_the_story(app: Any) -> None:
    body = app.lambda_handler({"queryStringParameters": {"instant": ""}}, None).body

    with (ROOT / "events" / "story.ndjson").open(encoding="utf-8") as file:
        assert list(body) == [event.data for event in recording.RecordingReader(file) if event.code == "o"]
    assert app.lambda_handler({}, None).status_code == 200


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"recording": "../app"}, 404, "There is no recording '../app'. There are: mine.\n"),
        ({"speeed": "2"}, 400, "There is no option 'speeed'. There are: recording, instant, speed, "),
        ({"speed": "fast"}, 400, "speed=fast: it is a number: 2 is twice as fast.\n"),
        ({"speed": "nan"}, 400, "speed=nan: it is a number: 2 is twice as fast.\n"),
        ({"speed": "0"}, 400, "speed 0.0: it must be a number greater than 0; "),
        ({"stall": "2"}, 400, "stall=2: it is N:SECONDS, such as 20:1.5.\n"),
        ({"stall": "2:inf"}, 400, "stall=2:inf: it is N:SECONDS, such as 20:1.5.\n"),
        ({"truncate": "-1"}, 400, "truncate after chunk -1: "),
        ({"slice": "0"}, 400, "slices of 0 bytes: "),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(app: Any, query: dict[str, str], status: int, text: str) -> None:
    answer = replayed(app, **query)

    assert answer["statusCode"] == status
    assert answer["body"].startswith(text)
    assert app.clock.now() == 0
