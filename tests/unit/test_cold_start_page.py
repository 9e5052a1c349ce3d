"""docs/guides/cold-start.md: its commands do what it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from built_project import BUILT, RUNTIME, write_build
from documents import blocks
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.precompiling import precompile
from lambda_streamify_emulator.precompiling.compiling import compile_modules
from lambda_streamify_emulator.precompiling.modules import modules, without_bytecode
from lambda_streamify_emulator.precompiling.plan import Job
from lambda_streamify_emulator.precompiling.reading import read_build
from processes import ROOT, clean_environment

PAGE = ROOT / "docs" / "guides" / "cold-start.md"
(SESSION,) = blocks(PAGE, "console")
(COMPILEALL,) = blocks(PAGE, "sh")
FUNCTION = BUILT.partition("  Shared:")[0].replace("Hello", "Fast").replace(", Layers: [!Ref Shared]", "")
FILES = {"Fast/app.py": "", "Fast/other.py": ""}


def without_figures(text: str) -> str:
    return re.sub(r"\d+(\.\d+)*", "N", text)


def test_the_command_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_build(tmp_path / ".aws-sam" / "build", FUNCTION, **FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precompile, "locate", lambda _: (sys.executable, RUNTIME))
    (shown,) = re.findall(r"^\$ (streamify .*)\n((?:[^$].*\n)+)", SESSION, re.MULTILINE)

    result = CliRunner().invoke(app, shlex.split(shown[0])[1:])

    assert without_figures(result.stdout) == without_figures(shown[1])


def test_pythons_own_command_writes_the_same_kind_of_bytecode(tmp_path: Path) -> None:
    folder = write_build(tmp_path, FUNCTION, **FILES) / "Fast"
    command = COMPILEALL.replace("python ", f"{shlex.quote(sys.executable)} ").replace("FOLDER", str(folder))

    subprocess.run(["/bin/sh", "-c", command], env=clean_environment(), check=True)

    assert without_bytecode(modules(folder), [RUNTIME]) == []
    (package,) = read_build(folder, {}).packages
    job = Job(package, RUNTIME, sys.executable, tuple(modules(folder)))
    assert compile_modules(job, pytest.fail).kept == 2
