import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from checked_template import GOOD, TIMEOUT, WRAPPER, with_change
from lambda_streamify_emulator.checks.run import check_template
from lambda_streamify_emulator.commands.check import refuse_errors, report_findings
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.commands.template_source import TemplateSource
from lambda_streamify_emulator.errors import EmulatorError
from processes import ROOT

runner = CliRunner()
SHORT = (TIMEOUT, "      Timeout: 5\n")
NO_WRAPPER = (WRAPPER, "          A: b\n")


def written(folder: Path, *changes: tuple[str, str]) -> str:
    for name in ("code", "layer"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "template.yaml"
    path.write_text(with_change(*changes, text=GOOD))
    return str(path)


def test_without_a_mistake_the_status_is_0(tmp_path: Path) -> None:
    path = written(tmp_path)

    result = runner.invoke(app, ["check", path])

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{path}: no known mistake\n")


def test_a_folder_of_the_cdk_is_checked_by_stacks() -> None:
    folder = ROOT / "tests" / "data" / "projects" / "cdk_out"

    result = runner.invoke(app, ["check", str(folder), "--stack", "Stories"])
    assert (result.exit_code, result.stderr) == (0, f"{folder / 'Stories.template.json'}: no known mistake\n")
    result = runner.invoke(app, ["check", str(folder)])
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: {folder}: choose one of its stacks with --stack NAME: Prod/Alone, Stories\n",
    )


def test_what_is_ignored_of_another_form_is_told(tmp_path: Path) -> None:
    path = tmp_path / "serverless.yml"
    path.write_text(
        "service: x\nprovider: {name: aws, runtime: python3.13}\n"
        "functions: {go: {handler: app.handler, url: {invokeMode: RESPONSE_STREAM}}}\n"
    )

    result = runner.invoke(app, ["check", str(path)])

    assert f"warning: {path}: go: url: the Framework has no setting invokeMode and ignores it" in result.stderr


def test_a_stack_of_a_template_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)

    result = runner.invoke(app, ["check", path, "--stack", "Stories"])

    assert result.exit_code == 2
    assert result.stderr == f"error: --stack Stories: {path} is no folder that `cdk synth` writes\n"


def test_with_warnings_only_the_status_is_0(tmp_path: Path) -> None:
    path = written(tmp_path, SHORT)

    result = runner.invoke(app, ["check", path])

    assert result.exit_code == 0
    assert result.stdout == (
        f"{path}:13: warning: Hello: it streams, and its Timeout is 5 s: longer streams are cut [short-timeout]\n"
        "    write: Timeout: 60\n"
    )
    assert result.stderr == f"{path}: 1 warning\n"


def test_with_an_error_the_status_is_1(tmp_path: Path) -> None:
    path = written(tmp_path, SHORT, NO_WRAPPER)

    result = runner.invoke(app, ["check", path])

    assert result.exit_code == 1
    assert f"{path}:16: error: Hello: it has the layer" in result.stdout
    assert result.stderr == f"{path}: 1 error and 1 warning\n"


def test_of_several_lines_to_write_each_is_indented(tmp_path: Path) -> None:
    url = "  Url:\n    Type: AWS::Lambda::Url\n    Properties: {TargetFunctionArn: !Ref Hello, AuthType: NONE}\n"
    path = Path(written(tmp_path))
    path.write_text(path.read_text() + url)

    lines = runner.invoke(app, ["check", str(path)]).stdout.splitlines()

    start = lines.index("    write: HelloFunctionUrlForEverybody:")
    assert lines[start + 1 : start + 3] == ["             Type: AWS::Lambda::Permission", "             Properties:"]


@pytest.mark.parametrize("text", [None, "a: ["])
def test_what_cannot_be_read_gives_the_status_2(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "template.yaml"
    if text is not None:
        path.write_text(text)

    result = runner.invoke(app, ["check", str(path)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {path}: ")


def test_json_is_one_object(tmp_path: Path) -> None:
    path = written(tmp_path, SHORT, NO_WRAPPER)

    result = runner.invoke(app, ["check", path, "--json"])

    printed = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (printed["errors"], printed["warnings"]) == (1, 1)
    assert printed["findings"][0] == {
        "rule": "short-timeout",
        "severity": "warning",
        "resources": ["Hello"],
        "file": path,
        "line": 13,
        "problem": "it streams, and its Timeout is 5 s: longer streams are cut",
        "fix": "Timeout: 60",
    }


def test_json_without_a_mistake(tmp_path: Path) -> None:
    result = runner.invoke(app, ["check", written(tmp_path), "--json"])

    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        {"errors": 0, "warnings": 0, "notes": 0, "findings": []},
    )


def test_parameters_and_layers_are_given_as_to_serve(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:mine:1"
    path = written(
        tmp_path, ("[!Ref StreamifyLayer]", "[!Ref Given]"), ("Resources:", "Parameters: {Given: {}}\nResources:")
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "streamify").touch()
    given = ["--parameter", f"Given={arn}"]

    assert runner.invoke(app, ["check", path]).exit_code == 1
    assert runner.invoke(app, ["check", path, *given]).exit_code == 1
    assert runner.invoke(app, ["check", path, *given, "--layer", f"{arn}={tmp_path / 'mine'}"]).exit_code == 0
    assert runner.invoke(app, ["check", path, "--parameter", "Given"]).exit_code == 2


def test_when_the_emulator_starts_findings_are_told_in_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, SHORT, NO_WRAPPER)

    report_findings(Path(path), check_template(Path(path)))

    out, err = capsys.readouterr()
    warning, error, hint = err.splitlines()
    assert out == ""
    assert warning.startswith(f"{path}:13: warning: Hello: ")
    assert error.startswith(f"{path}:16: error: Hello: ")
    assert hint == f"what to write instead: streamify check {path}"


def test_without_a_mistake_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(written(tmp_path))

    report_findings(path, check_template(path))

    assert capsys.readouterr() == ("", "")


def test_strict_refuses_errors_and_takes_warnings(tmp_path: Path) -> None:
    path = Path(written(tmp_path, SHORT))
    refuse_errors(path, check_template(path))

    path = Path(written(tmp_path, SHORT, NO_WRAPPER))
    with pytest.raises(EmulatorError, match=r"--strict: .* has 1 error and 1 warning; correct them"):
        refuse_errors(path, check_template(path))


def test_serve_is_strict_if_it_is_asked_to_be(tmp_path: Path) -> None:
    result = runner.invoke(app, ["serve", written(tmp_path, NO_WRAPPER), "--strict", "--port", "0"])

    assert result.exit_code == 2
    assert "error: --strict: " in result.stderr


def test_serve_reports_the_findings_of_the_functions_that_it_serves(tmp_path: Path) -> None:
    path = Path(written(tmp_path))
    second = with_change(SHORT, NO_WRAPPER).partition("  Hello:")[2]
    path.write_text(f"{GOOD}  Other:{second}")

    assert TemplateSource(path, only=["Hello"]).read().findings == ()
    assert len(TemplateSource(path, only=["Other"]).read().findings) == 2
