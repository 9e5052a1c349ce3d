"""The emulator, and bytecode that nobody compares with its source: an edit wins, before the start and after it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from built_project import RUNTIME
from lambda_streamify_emulator.precompiling.build import Package
from lambda_streamify_emulator.precompiling.compiling import compile_modules
from lambda_streamify_emulator.precompiling.modules import modules
from lambda_streamify_emulator.precompiling.plan import Job
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from lambda_streamify_emulator.testing.fixture import Streamify

pytestmark = pytest.mark.slow

LAYER = """
      Layers: ["arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"]
      Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}"""
APP = """\
import subprocess, sys, words.first

def handler(event, context):
    said = subprocess.run([sys.executable, "-c", "import words.first"], capture_output=True, text=True).stdout
    return f"{words.first.WORD} and {said.strip()}"
"""
WORD = "WORD = '{word}'\nprint(WORD)\n"


def write(folder: Path, metadata: str, more: str) -> Path:
    (folder / "Hello" / "words").mkdir(parents=True)
    (folder / "Hello" / "app.py").write_text(APP)
    template = folder / "template.yaml"
    template.write_text(f"""
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {metadata}
    Properties:
      CodeUri: Hello
      Handler: app.handler
      Runtime: {RUNTIME}
      Timeout: 60
      FunctionUrlConfig: {{AuthType: NONE}}{more}
""")
    return template


@contextmanager
def serving(template: Path) -> Iterator[Streamify]:
    emulator = TemplateEmulator(template, {})
    emulator.start()
    functions = Streamify(emulator)
    try:
        yield functions
    finally:
        functions.close()
        emulator.stop()


@pytest.mark.parametrize("metadata", ["{}", "{SamResourceId: Hello}"], ids=["source", "built"])
@pytest.mark.parametrize("more", [LAYER, ""], ids=["under the layer", "under AWS's client"])
def test_an_edit_wins_over_bytecode_that_is_never_checked(tmp_path: Path, metadata: str, more: str) -> None:
    template = write(tmp_path, metadata, more)
    code = tmp_path / "Hello"
    edited = code / "words" / "first.py"
    edited.write_text(WORD.format(word="one"))
    job = Job(Package(("Hello",), code, (RUNTIME,)), RUNTIME, sys.executable, tuple(modules(code)))
    compile_modules(job, pytest.fail)
    edited.write_text(WORD.format(word="two"))

    with serving(template) as functions:
        assert functions.invoke("Hello").body == b'"two and two"'
        edited.write_text(WORD.format(word="three"))
        assert functions.invoke("Hello").body == b'"three and three"'
