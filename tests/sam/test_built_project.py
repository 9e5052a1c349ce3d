"""A project with layers of each kind, built by the real `sam build` and served from the folder that it fills."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator_process import RUNTIME
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import run
from wheels import make_wheel

TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Pip:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: {RUNTIME}}}
    Properties: {{ContentUri: pip/}}
  Made:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: made/}}
  Plain:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: plain/}}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      CodeUri: function/
      Handler: app.handler
      Runtime: {RUNTIME}
      Timeout: 30
      Layers:
        - arn:aws:lambda:us-east-1:123456789012:layer:streamify:1
        - !Ref Pip
        - !Ref Made
        - !Ref Plain
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
"""
APP = """
import below, from_make, from_pip, from_plain, own

def handler(event, context):
    yield f"{own.VALUE} {from_pip.VALUE} {below.VALUE} {from_make.VALUE} {from_plain.VALUE}"
"""


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "template.yaml", TEMPLATE)
    write(tmp_path / "function" / "app.py", APP)
    write(tmp_path / "function" / "requirements.txt", f"{make_wheel(tmp_path, 'own', own='VALUE = 1')}\n")
    write(tmp_path / "pip" / "from_pip.py", "VALUE = 2")
    write(tmp_path / "pip" / "requirements.txt", f"{make_wheel(tmp_path, 'below', below='VALUE = 3')}\n")
    makefile = 'build-Made:\n\tmkdir "$(ARTIFACTS_DIR)/python"; cp from_make.py "$(ARTIFACTS_DIR)/python"\n'
    write(tmp_path / "made" / "Makefile", makefile)
    write(tmp_path / "made" / "from_make.py", "VALUE = 4")
    write(tmp_path / "plain" / "python" / "from_plain.py", "VALUE = 5")
    return tmp_path


@contextmanager
def serving(template: Path) -> Iterator[tuple[TemplateEmulator, Streamify]]:
    emulator = TemplateEmulator(template, {})
    emulator.start()
    functions = Streamify(emulator)
    try:
        yield emulator, functions
    finally:
        functions.close()
        emulator.stop()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))


def test_what_has_been_built_is_served_as_it_is(project: Path, sam_environment: dict[str, str]) -> None:
    run("sam", "build", cwd=project, env=sam_environment)
    for source in (*project.glob("*.whl"), *project.rglob("Makefile")):
        source.unlink()  # nothing could be built any more

    with serving(project / ".aws-sam" / "build" / "template.yaml") as (emulator, functions):
        assert functions.get("hello").body == b"1 2 3 4 5"
        assert emulator.messages == []


def test_the_same_comes_of_the_sources(project: Path) -> None:
    with serving(project / "template.yaml") as (emulator, functions):
        assert functions.get("hello").body == b"1 2 3 4 5"
        told = [(line.split()[0], Path(line.split()[1]).parent.name) for line in emulator.messages]
        assert told == [(word, name) for name in ("pip", "function") for word in ("installing", "installed")]
