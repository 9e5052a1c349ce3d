"""The template of the fault matrix: for each front end a function of its own, of one process, in three kinds."""

from pathlib import Path

from fault_matrix import FrontEnd
from processes import ROOT

DATA = ROOT / "tests" / "data" / "robustness"
# Brief ones time out after a second; between those that are refused and the Runtime API stands a proxy.
KINDS = ("plain", "brief", "refused")


def function_name(kind: str, front_end: FrontEnd) -> str:
    """Return the name of the function that a case is run with."""
    return f"{kind}-{front_end.name.lower().replace('_', '-')}"


def at_import_file(folder: Path, function: str) -> Path:
    """Return the file that tells a function's module what to do at import."""
    return folder / f"{function}.json"


def write_template(folder: Path) -> Path:
    """Return the template."""
    resources = "".join(_function(folder, kind, front_end) for kind in KINDS for front_end in FrontEnd)
    path = folder / "template.yaml"
    path.write_text(f"""
Transform: AWS::Serverless-2016-10-31
Parameters:
  PythonRuntime: {{Type: String}}
Globals:
  Function:
    Runtime: !Ref PythonRuntime
    CodeUri: {DATA / "functions"}
    Handler: app.handler
    MemorySize: 256
    ReservedConcurrentExecutions: 1
    Layers: [!Ref StreamifyLayer, !Ref FaultProxy]
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: {ROOT / "layers" / "streamify"}}}
  FaultProxy:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: {DATA / "fault_proxy"}}}
{resources}""")
    return path


def _function(folder: Path, kind: str, front_end: FrontEnd) -> str:
    name = function_name(kind, front_end)
    buffered = front_end is FrontEnd.BUFFERED
    variables = {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/fault-proxy" if kind == "refused" else "/opt/streamify",
        "AT_IMPORT": at_import_file(folder, name),
        "STREAMIFY_INVOKE_MODE": "buffered" if buffered else "auto",
    }
    text = f"""
  {name.title().replace("-", "")}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name}
      Timeout: {1 if kind == "brief" else 60}
      Environment: {{Variables: {{{", ".join(f"{key}: {value}" for key, value in variables.items())}}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: {"BUFFERED" if buffered else "RESPONSE_STREAM"}}}
"""
    if front_end is FrontEnd.REST:
        text += f"""
      Events:
        Streamed:
          Type: Api
          Properties:
            {{Path: /{kind}, Method: ANY, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 60000}}
"""
    return text
