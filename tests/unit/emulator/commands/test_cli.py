from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lambda_streamify_emulator.commands import invoke
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.errors import EndpointError
from lambda_streamify_emulator.load import runner as module
from lambda_streamify_emulator.load.plan import Master, Plan, Worker
from lambda_streamify_emulator.recordings.recording import Event
from lambda_streamify_emulator.terminal import terminal
from scripted_api import ScriptedApi, answers, reply
from tiny_template import write_template

runner = CliRunner()
END = Event(2, "x", {"reason": "end", "bytes": 3, "chunks": 1})


def test_without_a_command_it_lists_the_commands() -> None:
    result = runner.invoke(app, [])

    assert result.exit_code == 2
    assert {"serve", "invoke"} <= set(result.output.split())


def test_it_prints_its_version() -> None:
    result = runner.invoke(app, ["--version"])

    assert (result.exit_code, result.output) == (0, f"lambda-streamify {version('lambda-streamify')}\n")


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Collect the invocations of a command; each returns three bytes, or raises what `answer` raises."""
    made: list[tuple[str, bytes]] = []

    def answer(name: str, event: bytes, *, remote: bool) -> Iterator[Event]:
        assert not remote
        made.append((name, event))
        if name == "broken":
            yield Event(0, "e", {"type": "Function.A", "message": ""})
        if name == "absent":
            raise EndpointError("absent: there is no [such] function")
        if name == "interrupted":
            raise KeyboardInterrupt
        yield Event(1, "o", "abc")
        yield END

    monkeypatch.setattr(invoke, "invoke", answer)
    return made


def test_an_invocation_prints_its_chunks(invoked: list[tuple[str, bytes]]) -> None:
    result = runner.invoke(app, ["invoke", "hello"])

    assert (result.exit_code, result.stdout) == (0, "   0.000 s  abc\n")
    assert invoked == [("hello", b"{}")]


def test_an_invocation_prints_its_events_as_json(invoked: list[tuple[str, bytes]]) -> None:
    result = runner.invoke(app, ["invoke", "hello", "--json"])

    lines = '[1, "o", "abc"]\n[2, "x", {"reason": "end", "bytes": 3, "chunks": 1}]\n'
    assert (result.exit_code, result.stdout) == (0, lines)
    assert len(invoked) == 1


def test_the_event_comes_from_a_file_or_from_standard_input(invoked: list[tuple[str, bytes]], tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(b'{"a": 1}')

    assert runner.invoke(app, ["invoke", "hello", "--event", str(tmp_path / "event.json")]).exit_code == 0
    assert runner.invoke(app, ["invoke", "hello", "--event", "-"], input='{"b": 2}').exit_code == 0
    assert invoked == [("hello", b'{"a": 1}'), ("hello", b'{"b": 2}')]


@pytest.mark.usefixtures("invoked")
def test_a_timeline_is_drawn_on_request_or_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*arguments: str) -> bool:
        result = runner.invoke(app, ["invoke", "hello", *arguments])
        assert result.exit_code == 0
        return "no gaps" in result.stderr or "timeline" in result.stdout

    asked = [["--timeline"], ["--timeline", "--json"], ["--no-timeline"], [], ["--json"]]
    assert [drawn(*arguments) for arguments in asked] == [True, True, False, False, False]

    monkeypatch.setattr(terminal, "can_draw", lambda: True)
    assert [drawn(*arguments) for arguments in asked] == [True, True, False, True, False]


@pytest.mark.usefixtures("invoked")
@pytest.mark.parametrize(
    ("arguments", "status", "errors"),
    [
        (["broken"], 1, "error: after 0.000 s: Function.A: \n   0.000 s  1 chunk, 3 bytes\n"),
        (["absent"], 2, "error: absent: there is no [such] function\n"),
        (["interrupted"], 130, ""),
        (
            ["x", "--event", "/nonexistent"],
            2,
            "error: the event /nonexistent cannot be read: No such file or directory\n",
        ),
        (["x", "--event", "/"], 2, "error: the event / cannot be read: Is a directory\n"),
    ],
)
def test_an_error_is_one_line_and_a_status(arguments: list[str], status: int, errors: str) -> None:
    result = runner.invoke(app, ["invoke", *arguments])

    assert (result.exit_code, result.stderr) == (status, errors)


def test_serving_passes_its_options_on(tmp_path: Path) -> None:
    path = write_template(tmp_path)

    result = runner.invoke(app, ["serve", str(path), "--port", "0", "--parameter", "Init=a=b", "--exec", "exit 5"])

    assert result.exit_code == 5
    assert result.stdout.startswith("Lambda API  http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.yaml"], "absent.yaml: there is no such file; name your template, or run where template.yaml is"),
        ([], "template.yaml: there is no such file; name your template, or run where template.yaml is"),
        (["--parameter", "a"], "--parameter a: write it as NAME=VALUE"),
        (["--parameter", "=a"], "--parameter =a: write it as NAME=VALUE"),
        (["--layer", "arn:a"], "--layer arn:a: write it as ARN=PATH"),
    ],
)
def test_a_template_that_cannot_be_served_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = runner.invoke(app, ["serve", *arguments])

    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--header", "a"], "--header a: write it as 'NAME: VALUE'"),
        (["--header", ": a"], "--header : a: write it as 'NAME: VALUE'"),
        (["--event", "/nonexistent"], "the event /nonexistent cannot be read: No such file or directory"),
    ],
)
def test_an_invalid_load_test_is_an_error_of_one_line(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, ["load", "http://127.0.0.1:1/", *arguments])

    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


@pytest.mark.parametrize("command", ["serve", "invoke", "check", "load", "replay", "diff", "plot", "doctor"])
def test_help_shows_flags_without_a_type(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "--help" in result.output
    assert "<bool>" not in result.output


def test_help_fills_its_lines_to_the_width_of_the_terminal() -> None:
    lines = runner.invoke(app, ["invoke", "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output.splitlines()

    start = next(number for number, line in enumerate(lines) if "The function is invoked" in line)
    paragraph = lines[start : lines.index(next(line for line in lines[start:] if not line.strip()))]
    assert all(len(line.strip()) > 60 for line in paragraph[:-1]), paragraph


def test_without_locust_a_load_test_names_the_extra_and_its_help_still_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)

    result = runner.invoke(app, ["load", "http://127.0.0.1:1/"])
    assert (result.exit_code, result.stderr) == (
        2,
        "error: streamify load needs Locust: pip install 'lambda-streamify[load]'\n",
    )
    assert "pip install 'lambda-streamify[load]'" in runner.invoke(app, ["load", "--help"]).output


@pytest.mark.usefixtures("invoked")
def test_an_event_and_a_request_exclude_each_other_for_a_function() -> None:
    result = runner.invoke(app, ["invoke", "hello", "--event", "-", "--path", "/a"], input="{}")

    message = "error: --event is the whole event: write the request into it, or give its body with --data\n"
    assert (result.exit_code, result.stderr) == (2, message)


def test_a_request_to_a_function_goes_to_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi(answers(reply(503, b"busy"))) as api:
        monkeypatch.setattr(invoke, "url_of", lambda name, *, remote: f"http://{api.address}/{name}{remote}")
        options = ["--method", "PATCH", "--path", "/a", "--query", "b=c d", "--header", "X-A: b", "--data", "e"]
        result = runner.invoke(app, ["invoke", "hello", *options])

    assert result.exit_code == 1  # for the status
    head, _, body = api.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /helloFalse/a?b=c%20d HTTP/1.1\r\n")
    assert b"\r\nX-A: b\r\n" in head
    assert body == b"e"


def planned(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Plan, int]:
    """Return the plan of a load test, and the exit status; the test fails if its result is JSON."""
    plans: list[Plan] = []

    def load(plan: Plan, *, as_json: bool) -> bool:
        plans.append(plan)
        return not as_json

    monkeypatch.setattr(module, "load", load)
    monkeypatch.setattr(module, "check_free", lambda _port: None)  # the result depends on the machine
    monkeypatch.setattr(invoke, "url_of", lambda name, *, remote: f"http://{name}/{remote}")
    result = runner.invoke(app, ["load", *arguments])
    return plans[0], result.exit_code


def test_a_load_test_has_a_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/a"
    assert planned(monkeypatch, url) == (Plan(url, "GET"), 0)

    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    request = ["--event", str(event), "--header", "A: b:c"]
    numbers = ["--users", "3", "--spawn-rate", "0.5", "--duration", "2", "--processes", "2"]
    request += ["--ends-with", "[DONE]"]
    output = ["--web", "--json", "--html", "a.html", "--slo", "ttfb=1s"]
    plan = Plan(
        "http://hello/True",
        "POST",
        {"A": "b:c", "content-type": "application/json"},
        b'{"a": 1}',
        b"[DONE]",
        users=3,
        spawn_rate=0.5,
        duration=2,
        processes=2,
        slo="ttfb=1s",
        web=8089,
        html=Path("a.html"),
    )
    assert planned(monkeypatch, "hello", "--remote", *request, *numbers, *output) == (plan, 1)


def test_an_open_loop_has_more_users_because_they_are_only_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://127.0.0.1:1/a"

    assert planned(monkeypatch, url, "--rate", "5")[0] == Plan(url, "GET", rate=5, users=100)
    assert planned(monkeypatch, url, "--rate", "5", "--users", "7")[0] == Plan(url, "GET", rate=5, users=7)


def test_a_master_and_its_workers_are_told_where_they_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", "6000", "--expect-workers", "2"]
    plan, _ = planned(monkeypatch, "http://127.0.0.1:1/", "--master", *bound)
    assert plan.master == Master("127.0.0.1", 6000, 2)

    workers: list[Worker] = []

    def work(worker: Worker) -> bool:
        workers.append(worker)
        return len(workers) == 1

    monkeypatch.setattr(module, "work", work)
    arguments = ["load", "--worker", "--master-host", "10.0.0.1", "--master-port", "6000", "--processes", "4"]
    assert [runner.invoke(app, arguments).exit_code for _ in range(2)] == [0, 1]
    assert workers == 2 * [Worker("10.0.0.1", 6000, 4)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a URL, or a function that has one; only a --worker needs none"),
        (["hello", "--worker"], "--worker and hello: omit the URL; a worker gets it from its master"),
        (
            ["hello", "--worker", "--master"],
            "--master and --worker: choose one of them; start the other in a process of its own",
        ),
        (
            ["hello", "--master", "--processes", "2"],
            "--master and --processes: omit one; --processes starts a master and workers by itself",
        ),
        (
            ["hello", "--processes", "0"],
            "--processes 0: give a number from 1, or -1 for as many as this machine has cores",
        ),
        (
            ["http://x/", "--slo", "p99=1s"],
            "the limit 'p99=1s': write ttfb, gap or total with a time, as in ttfb=500ms,gap=0.2s",
        ),
    ],
)
def test_roles_and_limits_that_make_no_sense_are_errors(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, ["load", *arguments])

    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


def test_a_load_test_is_exported_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "load.py"

    result = runner.invoke(app, ["load", "http://127.0.0.1:1/a", "--export", str(path), "--rate", "5"])

    assert result.exit_code == 0
    assert result.stderr.startswith(f"{path} is written; run it with: locust -f locustfile.py --headless --users 100 ")
    assert "rate = 5.0 / 100" in path.read_text()
