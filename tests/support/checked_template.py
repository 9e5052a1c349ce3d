"""A template without a mistake, to which a test brings one, and what `streamify check` finds in it."""

from collections.abc import Mapping
from pathlib import Path

from lambda_streamify_emulator.checks.finding import Finding
from lambda_streamify_emulator.checks.run import check_template

GOOD = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Properties:
      ContentUri: layer
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      CodeUri: code
      Timeout: 60
      Layers: [!Ref StreamifyLayer]
      Environment:
        Variables:
          AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify
      FunctionUrlConfig:
        AuthType: AWS_IAM
        InvokeMode: RESPONSE_STREAM
"""
MODE = "        InvokeMode: RESPONSE_STREAM\n"
AUTH = "        AuthType: AWS_IAM\n"
WRAPPER = "          AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify\n"
LAYERS = "      Layers: [!Ref StreamifyLayer]\n"
RUNTIME = "      Runtime: python3.13\n"
TIMEOUT = "      Timeout: 60\n"

EVENT = """\
      Events:
        Get:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /
            Method: get
            ResponseTransferMode: RESPONSE_STREAM
            TimeoutInMillis: 60000
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      EndpointConfiguration: {Type: REGIONAL}
"""
"""What makes a REST API stream the response of GOOD's function; it goes behind GOOD."""


def with_change(*changes: tuple[str, str], text: str = GOOD) -> str:
    """Return `text` with each first part replaced by the second."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def check(
    folder: Path,
    text: str,
    code: str = "",
    *,
    parameters: Mapping[str, str] | None = None,
    layers: Mapping[str, Path] | None = None,
) -> list[Finding]:
    """Return what is found in a template of this text, whose functions have this code."""
    for name in ("code", "layer"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "code" / "app.py").write_text(code)
    path = folder / "template.yaml"
    path.write_text(text)
    return check_template(path, parameters, layers)


def rules(findings: list[Finding]) -> list[str]:
    """Return the names of the rules that found something."""
    return [finding.rule for finding in findings]


def the_one(folder: Path, text: str, code: str = "", *, rule: str, at: str) -> Finding:
    """Return the one finding, by `rule`, in the line that holds `at`; a comment there, or above, takes it away."""
    (found,) = check(folder, text, code)
    assert found.rule == rule
    assert found.file == str(folder / "template.yaml")
    lines = text.splitlines()
    line = lines[found.line - 1]
    assert at in line, line
    comment = f"# streamify: ignore {rule}"
    indent = line[: len(line) - len(line.lstrip())]
    before, after = lines[: found.line - 1], lines[found.line :]
    for ignoring in ([f"{line}  {comment}"], [f"{indent}{comment}", line]):
        assert check(folder, "\n".join([*before, *ignoring, *after]), code) == []
    return found
