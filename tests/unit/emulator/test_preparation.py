import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator import preparation as module
from lambda_streamify_emulator.preparation import Preparation, Prepared
from lambda_streamify_emulator.template.reader import load_template
from tiny_template import RUNTIME, write_template

FUNCTION = "    Type: AWS::Serverless::Function\n    Properties:\n"
MORE = f"""
  Broken:
    Metadata: {{BuildMethod: makefile}}
{FUNCTION}      CodeUri: broken
  Unlayered:
{FUNCTION}      Layers: [!Ref BrokenLayer]
  BrokenLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: broken}}
  Old:
{FUNCTION}      Runtime: python2.7
  Last:
    Metadata: {{BuildMethod: makefile}}
{FUNCTION}      CodeUri: last
"""


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template with functions that are good and bad, and a folder of its own for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    path = write_template(tmp_path, MORE)
    for name, recipe in (("broken", "false"), ("last", f"touch {tmp_path}/built")):
        (tmp_path / name).mkdir()
        makefile = f"build-Broken build-BrokenLayer build-Last:\n\t{recipe}\n"
        (tmp_path / name / "Makefile").write_text(makefile)
    return path


def test_all_functions_are_tried_and_each_is_reported(template: Path, tmp_path: Path) -> None:
    said = list[str]()

    done = list(Preparation(load_template(template).functions, said.append).run())

    assert [(one.function, one.problem is None, one.is_served) for one in done] == [
        ("first", True, True),
        ("Second", True, True),
        ("Broken", False, True),
        ("Unlayered", False, True),
        ("Old", False, False),
        ("Last", True, True),
    ]
    assert str(done[2].problem).startswith("the function Broken: `make build-Broken` failed")
    assert str(done[3].problem).startswith("the layer BrokenLayer: `make build-BrokenLayer` failed")
    assert (tmp_path / "built").exists()
    assert list((tmp_path / "temporary").iterdir()) == []
    assert said == []


def test_a_stop_ends_what_runs_and_nothing_else_is_reported(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken" / "Makefile").write_text(f"build-Broken:\n\techo > {tmp_path}/begun; sleep 1000\n")
    functions = [function for function in load_template(template).functions if function.name in ("Broken", "Last")]
    preparation = Preparation(functions, print)
    real, begun = subprocess.Popen, threading.Event()

    def noted(*command: Any, **options: Any) -> Any:
        process = real(*command, **options)
        begun.set()
        return process

    monkeypatch.setattr("lambda_streamify_emulator.building.programs.subprocess.Popen", noted)
    done = list[Prepared]()
    thread = threading.Thread(target=lambda: done.extend(preparation.run()))
    thread.start()
    begun.wait()
    preparation.stop()
    thread.join()

    assert done == []
    assert not (tmp_path / "built").exists()


def test_python_functions_get_their_requirements(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = list[list[str]]()

    class Programs:
        """Stands in for those that would ask the package index."""

        def __init__(self, _: object) -> None:
            pass

        def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
            commands.append(command)
            return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(module, "Programs", Programs)
    requirements = tmp_path / "code" / "requirements.txt"
    requirements.write_text("prepared-ahead\n")
    said = list[str]()
    first = load_template(template).functions[0]
    assert first.runtime == RUNTIME

    assert list(Preparation([first], said.append).run()) == [Prepared("first")]

    assert [command[-2:] for command in commands] == [["--requirement", str(requirements)]]
    assert said[0] == f"installing {requirements} with pip …"
