"""A template whose functions run the tiny runtime, which comes from a layer of theirs."""

import sys
from pathlib import Path

from tiny_runtime import SCRIPT

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def write_template(folder: Path, resources: str = "") -> Path:
    """Return the template; `resources` are further ones, each line as it stands."""
    (folder / "code").mkdir()
    (folder / "layer").mkdir()
    wrapper = folder / "layer" / "runtime"
    wrapper.write_text(SCRIPT)
    wrapper.chmod(0o755)
    path = folder / "template.yaml"
    path.write_text(f"""
Parameters:
  Init: {{Default: ""}}
Globals:
  Function:
    Handler: app.handler
    Runtime: {RUNTIME}
    CodeUri: code
    Timeout: 60
    Layers: [!Ref Layer]
    Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/runtime, INIT: !Ref Init}}}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: layer}}
  First:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: first, FunctionUrlConfig: {{InvokeMode: RESPONSE_STREAM}}}}
  Second:
    Type: AWS::Serverless::Function
    Properties: {{FunctionUrlConfig: {{InvokeMode: RESPONSE_STREAM}}}}
{resources}""")
    return path
