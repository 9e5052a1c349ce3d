from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lambda_streamify_emulator.commands import replay_serve
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.replays.faults import Faults

runner = CliRunner()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect the arguments with which `streamify replay` would serve."""
    asked: list[dict[str, Any]] = []

    async def serve(path: Path, **options: Any) -> None:
        asked.append({"path": path, **options})

    monkeypatch.setattr(replay_serve, "serve", serve)
    return asked


def test_a_replay_is_on_loopback_and_unchanged_by_default(served: list[dict[str, Any]]) -> None:
    assert runner.invoke(app, ["replay", "a.ndjson"]).exit_code == 0

    (asked,) = served
    seed = asked["faults"].seed
    assert asked == {
        "path": Path("a.ndjson"),
        "host": "127.0.0.1",
        "port": 4001,
        "names": ("127.0.0.1",),
        "faults": Faults(seed=seed),
        "instant": False,
        "as_json": False,
    }


def test_a_replay_may_have_other_host_names(served: list[dict[str, Any]]) -> None:
    names = ["--host", "0.0.0.0", "--allow-host", "App.example.com", "--allow-host", "b"]  # noqa: S104 - nothing is bound
    assert runner.invoke(app, ["replay", "a.ndjson", *names]).exit_code == 0
    assert served[0]["names"] == ("0.0.0.0", "app.example.com", "b")  # noqa: S104

    assert runner.invoke(app, ["replay", "a.ndjson", "--allow-host", "http://b"]).exit_code == 2


def test_each_fault_of_a_replay_has_its_option(served: list[dict[str, Any]]) -> None:
    options = "--speed 2 --idle-limit 3 --jitter 0.5 --seed 9 --stall 3:1.5 --truncate 4 --error 5 --disconnect 6"
    result = runner.invoke(app, ["replay", "a", *options.split(), "--slice", "7", "--json", "--port", "0"])

    assert result.exit_code == 0, result.output
    assert served[0]["faults"] == Faults(2.0, 3.0, 0.5, (3, 1.5), 4, 5, 6, 7, 9)
    assert (served[0]["as_json"], served[0]["port"]) == (True, 0)


def test_without_a_seed_a_random_one_is_used(served: list[dict[str, Any]]) -> None:
    for _ in range(3):
        runner.invoke(app, ["replay", "a", "--instant"])

    assert len({asked["faults"].seed for asked in served}) > 1
    assert all(asked["instant"] for asked in served)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stall", "3"], "--stall 3: write it as N:SECONDS, such as 3:1.5"),
        (["--stall", "a:b"], "--stall a:b: write it as N:SECONDS, such as 3:1.5"),
        (["--instant", "--speed", "2"], "--instant and --speed: choose one of them"),
        ([], "the recording absent.ndjson cannot be read: No such file or directory"),
    ],
)
def test_an_invalid_option_is_an_error_of_one_line(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, ["replay", "absent.ndjson", *arguments])

    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


# --- diff ------------------------------------------------------------------------------------------------------------

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'


@pytest.mark.parametrize(("other", "status"), [('[2,"o","one"]\n', 0), ('[1,"o","two"]\n', 1), ("damage\n", 2)])
def test_the_status_of_diff_shows_whether_the_bytes_are_the_same(tmp_path: Path, other: str, status: int) -> None:
    (tmp_path / "a").write_text(HEADER + '[1,"o","one"]\n')
    (tmp_path / "b").write_text(HEADER + other)

    for options in ([], ["--json"]):
        result = runner.invoke(app, ["diff", str(tmp_path / "a"), str(tmp_path / "b"), *options])
        assert result.exit_code == status, result.output


# --- plot ------------------------------------------------------------------------------------------------------------


def test_a_picture_is_written_to_the_current_folder_or_to_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recordings").mkdir()
    path = tmp_path / "recordings" / "a.ndjson"
    path.write_text(HEADER + '[1,"o","one"]\n')
    monkeypatch.chdir(tmp_path)

    one = runner.invoke(app, ["plot", str(path)])
    two = runner.invoke(app, ["plot", *[str(path)] * 4, "-o", "two.svg"])
    wrong = runner.invoke(app, ["plot", str(path), "-o", "a.gif"])

    assert (one.exit_code, one.stdout) == (0, "a.svg\n")
    assert (two.exit_code, two.stdout) == (0, "two.svg\n")
    assert (tmp_path / "two.svg").read_text().count("a.ndjson (client)") == 4
    assert (wrong.exit_code, wrong.stderr.startswith("error: a.gif: the picture is an SVG")) == (2, True)


# --- doctor ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status"),
    [('[1,"o","one"]\n[100000,"o","two"]\n', 0), ('[100000,"o","one"]\n[100001,"o","two"]\n', 1), ("damage\n", 2)],
)
def test_the_status_of_doctor_shows_whether_it_streamed(tmp_path: Path, content: str, status: int) -> None:
    (tmp_path / "a").write_text(HEADER + content)

    for options in ([], ["--json"]):
        result = runner.invoke(app, ["doctor", str(tmp_path / "a"), *options])
        assert result.exit_code == status, result.output
