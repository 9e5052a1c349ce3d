import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.activity.activity import Activity
from lambda_streamify_emulator.commands import serve as module
from lambda_streamify_emulator.commands.prepare import prepare
from lambda_streamify_emulator.commands.serve import serve
from lambda_streamify_emulator.commands.template_source import TemplateSource
from lambda_streamify_emulator.emulator import Emulator
from lambda_streamify_emulator.errors import EmulatorError, TemplateError
from lambda_streamify_emulator.settings import Settings
from lambda_streamify_emulator.template.reader import load_template
from lambda_streamify_emulator.terminal import terminal
from process_table import is_running
from tiny_template import write_template
from waiting import wait_until


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(cache))


def serving(path: Path, command: str | None, *, as_json: bool = False, **parameters: str) -> int:
    return run(serve(TemplateSource(path, parameters), port=0, command=command, as_json=as_json))


def test_a_command_finds_the_emulator_and_its_status_is_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://elsewhere")
    monkeypatch.setenv("MINE", "kept")

    assert serving(write_template(tmp_path), f"env > {tmp_path}/env; exit 7") == 7

    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert found["AWS_ENDPOINT_URL_LAMBDA"].startswith("http://127.0.0.1:")
    assert found["MINE"] == "kept"


def test_a_command_acts_as_the_emulators_user_and_never_as_the_developer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = (
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "PROFILE",
        "DEFAULT_PROFILE",
        "REGION",
        "DEFAULT_REGION",
    )
    for name in mine:
        monkeypatch.setenv(f"AWS_{name}", "mine")

    serving(write_template(tmp_path), f"env > {tmp_path}/env", as_json=True)

    credentials = json.loads(capsys.readouterr().out)["credentials"]
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert {name: found[f"AWS_{name}"] for name in mine if f"AWS_{name}" in found} == {
        "ACCESS_KEY_ID": credentials["access_key_id"],
        "SECRET_ACCESS_KEY": credentials["secret_access_key"],
        "REGION": "us-east-1",
        "DEFAULT_REGION": "us-east-1",
    }


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("kill -KILL $$", 137), ("exec absent-program", 127)])
def test_the_status_is_as_a_shell_has_it(tmp_path: Path, command: str, status: int) -> None:
    assert serving(write_template(tmp_path), command) == status


def test_a_command_is_ended_when_the_emulator_is(tmp_path: Path) -> None:
    assert serving(write_template(tmp_path), f"kill -TERM {os.getpid()}; exec sleep 600") == 143


def test_a_command_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    child = f"echo $$ > {tmp_path}/child; kill -TERM {os.getpid()}; exec sleep 600"

    assert serving(write_template(tmp_path), f"sh -c '{child}' && true") == 143

    process = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_running(process), "the end of the command's child")


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    assert serving(write_template(tmp_path), f"sleep 600 & echo $! > {tmp_path}/child") == 0

    process = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_running(process), "the end of the command's child")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_command_that_does_not_want_to_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)
    monkeypatch.setattr(os, "isatty", lambda _: terminal)

    assert serving(write_template(tmp_path), f"trap '' TERM; kill -TERM {os.getpid()}; exec sleep 600") == 137


@pytest.mark.parametrize("terminal", [False, True])
def test_at_a_terminal_a_command_stays_in_the_group_that_the_terminal_tells_of_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: terminal)
    program = f"import os; open('{tmp_path}/group', 'w').write(str(os.getpgrp()))"

    serving(write_template(tmp_path), f'{sys.executable} -c "{program}"')

    assert ((tmp_path / "group").read_text() == str(os.getpgrp())) is terminal


def test_the_addresses_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving(write_template(tmp_path), "true")

    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  http://127.0.0.1:")[0] for line in lines] == ["Lambda API", "first     ", "Second    "]


def test_the_addresses_are_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving(write_template(tmp_path), "true", as_json=True)

    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"lambda_api", "urls", "apis", "credentials"}
    assert set(printed["credentials"]) == {"access_key_id", "secret_access_key", "region"}
    assert list(printed["urls"]) == ["first", "Second"]


def test_rest_apis_follow_the_urls_with_their_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = "{Type: Api, Properties: {Path: /a, Method: get, ResponseTransferMode: RESPONSE_STREAM}}"
    path = write_template(
        tmp_path, f"  Third:\n    Type: AWS::Serverless::Function\n    Properties: {{Events: {{Get: {event}}}}}\n"
    )

    serving(path, "true", as_json=True)
    assert json.loads(capsys.readouterr().out)["apis"]["ServerlessRestApi"].endswith("/Prod")
    serving(path, "true")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["Lambda", "first", "Second", "ServerlessRestApi"]
    run(serve(TemplateSource(path, only=("first",)), port=0, command="true", as_json=True))
    assert json.loads(capsys.readouterr().out)["apis"] == {}


def test_without_a_command_the_address_of_the_dashboard_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("dashboard: "):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(terminal, "say", say)
    path, settings = write_template(tmp_path), Settings(activity=Activity())
    run(serve(TemplateSource(path), port=0, command=None, as_json=False, settings=settings))

    assert said[-1].startswith("dashboard: http://127.0.0.1:")


SIGNED = """  Third:
    Type: AWS::Serverless::Function
    Properties: {FunctionUrlConfig: {AuthType: AWS_IAM, InvokeMode: RESPONSE_STREAM}}
"""


def test_what_is_needed_to_send_signed_requests_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving(write_template(tmp_path, SIGNED), "true")

    out, err = capsys.readouterr()
    first, _, third = (line.split()[-1] for line in out.splitlines()[1:])
    plain, signed = err.splitlines()
    assert plain == f"try: curl -N {first}"
    command = r'curl --aws-sigv4 "aws:amz:us-east-1:lambda" --user "AKIA[A-Z2-7]{16}:[A-Za-z0-9]{40}" -N '
    assert re.fullmatch(f"requests to Third must be signed: {command}{third}", signed)


def test_it_listens_where_it_is_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(host="127.0.0.2")

    run(serve(TemplateSource(write_template(tmp_path)), port=0, command="true", as_json=False, settings=settings))

    out, err = capsys.readouterr()
    assert all(line.split()[-1].startswith("http://127.0.0.2:") for line in out.splitlines()[0:])
    assert "warning" not in err


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1"])  # noqa: S104 - nothing is bound
def test_who_lets_others_in_is_told_what_they_can_do(tmp_path: Path, address: str) -> None:
    template = load_template(write_template(tmp_path))
    emulator = Emulator(template, port=0, say=lambda _: None, log=lambda *_: None)
    emulator.listens_on, emulator.lambda_api = address, "http://127.0.0.1:4000"
    emulator.urls = {"first": "http://127.0.0.1:4001/", "Second": "http://127.0.0.1:4002/"}

    assert module.exposure("mine.example", emulator) == (
        "--host mine.example: anyone who can reach this machine can, without credentials, invoke all functions and "
        "read their environment variables, requests, responses and logs, on the port of the Lambda API and the "
        "dashboard (4000); and send requests to first (4001), Second (4002)"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_without_a_command_it_serves_until_a_signal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    path = write_template(tmp_path)

    async def main() -> int:
        serving = asyncio.create_task(serve(TemplateSource(path), port=0, command=None, as_json=True))
        while not capsys.readouterr().out:  # noqa: ASYNC110 - what it prints is how it says that it serves
            await asyncio.sleep(0.001)
        assert not serving.done()
        os.kill(os.getpid(), number)
        return await serving

    assert run(main()) == 0


def test_what_is_not_resolved_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resources = "  Third:\n    Type: AWS::Serverless::Function\n    Properties: {FunctionName: !GetAtt Table.Arn}\n"
    path = write_template(tmp_path, resources)

    serving(path, "true")

    assert capsys.readouterr().err.startswith(
        f"not resolved in {path}, so functions do not see it: !GetAtt Table.Arn\n"
    )


def test_a_function_that_is_left_out_is_named_and_the_others_are_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resources = "  Third:\n    Type: AWS::Serverless::Function\n    Properties: {PackageType: Image}\n"
    resources += "    Metadata: {Dockerfile: Dockerfile}\n"

    assert serving(write_template(tmp_path, resources), "true") == 0

    assert capsys.readouterr().err.startswith("warning: Third is left out: its image is not built: run `sam build`, ")


def test_environment_variables_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, file = write_template(tmp_path), tmp_path / "env.json"
    file.write_text('{"first": {"INIT": "pass", "OTHER": "x"}}')

    run(serve(TemplateSource(path, env_vars=file), port=0, command="true", as_json=False))

    assert capsys.readouterr().err.startswith(f"warning: {file}: first has no variable OTHER in the template")


def test_a_function_to_debug_has_to_be_there_and_to_have_a_debugger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(tmp_path)

    run(
        serve(
            TemplateSource(path, debug="first"), port=0, command="true", as_json=False, settings=Settings(debug="first")
        )
    )
    assert capsys.readouterr().err.startswith("first cannot be debugged without debugpy: pip install --target ")
    with pytest.raises(EmulatorError, match=r"^--debug First: there is no such function; there are first, Second$"):
        run(
            serve(
                TemplateSource(path, debug="First"),
                port=0,
                command="true",
                as_json=False,
                settings=Settings(debug="First"),
            )
        )


def test_only_the_functions_that_are_named_are_served_in_the_templates_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(tmp_path)

    for names, served in ((("Second",), ["Second"]), (("Second", "first"), ["first", "Second"])):
        run(serve(TemplateSource(path, only=names), port=0, command="true", as_json=True))
        assert list(json.loads(capsys.readouterr().out)["urls"]) == served
    with pytest.raises(EmulatorError, match=r"^--only third: there is no such function; there are first, Second$"):
        run(serve(TemplateSource(path, only=("third",)), port=0, command="true", as_json=True))


def test_the_content_of_layers_lies_where_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, arn = write_template(tmp_path), "arn:aws:lambda:eu-west-1:123456789012:layer:runtime:1"
    path.write_text(path.read_text().replace("[!Ref Layer]", f"['{arn}']"))

    run(serve(TemplateSource(path, layers={arn: tmp_path / "layer"}), port=0, command="true", as_json=True))

    assert list(json.loads(capsys.readouterr().out)["urls"]) == ["first", "Second"]
    with pytest.raises(TemplateError, match=r"no function of it can be served: First is left out: the layer arn:"):
        run(serve(TemplateSource(path), port=0, command="true", as_json=True))


def test_parameters_are_the_templates(tmp_path: Path) -> None:
    path = write_template(tmp_path)

    assert serving(path, "true", Init="pass") == 0
    with pytest.raises(TemplateError, match=r"it has no parameter Other; its parameters: Init$"):
        serving(path, "true", Other="x")


def test_functions_are_prepared_ahead_a_line_each_and_nothing_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(tmp_path)

    assert run(prepare(TemplateSource(path))) == 0

    assert capsys.readouterr().out == "first: ready\nSecond: ready\n"


def test_a_function_that_cannot_be_prepared_sets_the_status_and_the_others_are_prepared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resources = """
  Java:
    Type: AWS::Serverless::Function
    Properties: {Runtime: java21, Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: !Ref AWS::NoValue}}}
"""
    path = write_template(tmp_path, resources)
    path.write_text(path.read_text().replace("FunctionName: first", "FunctionName: first, CodeUri: broken"))
    (tmp_path / "broken" / "requirements.txt").mkdir(parents=True)

    assert run(prepare(TemplateSource(path))) == 1

    first, second, java = capsys.readouterr().out.splitlines()
    assert first.startswith("first: failed: ")
    assert "requirements.txt cannot be read" in first
    assert second == "Second: ready"
    assert java.startswith("Java: not served: the emulator has no runtime for java21")
