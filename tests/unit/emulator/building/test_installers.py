import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.building import installers
from lambda_streamify_emulator.building.installers import Installer, find_installer, install_packages
from lambda_streamify_emulator.errors import BuildError

PYTHON = Path("/function/bin/python")


def test_uv_installs_where_it_is_on_the_path_and_pip_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_installer() == Installer("pip", sys.executable)

    monkeypatch.setattr(installers, "which", {"uv": "/tools/uv"}.get)
    assert find_installer() == Installer("uv", "/tools/uv")


@pytest.mark.parametrize("installer", [Installer("uv", "/tools/uv"), Installer("pip", "/own/python")])
def test_both_install_into_a_folder_for_the_interpreter_of_the_function(installer: Installer) -> None:
    command = installer.command(["--requirement", "file"], Path("/target"), PYTHON)

    assert command[0] == installer.program
    assert command[command.index("--python") + 1] == str(PYTHON)
    assert command[-4:] == ["--target", "/target", "--requirement", "file"]


def test_without_an_interpreter_they_install_for_the_emulators_own() -> None:
    assert "--python" not in Installer("pip", "/own/python").command(["six"], Path("/target"), None)
    command = Installer("uv", "/tools/uv").command(["six"], Path("/target"), None)
    assert command[command.index("--python") + 1] == sys.executable


@pytest.mark.parametrize(
    ("name", "output", "reason"),
    [
        ("pip", "Looking\nERROR: it is absent\n", "ERROR: it is absent"),
        ("pip", "\n", "pip printed nothing"),
        (
            "uv",
            "  \u00d7 No solution found:\n  ╰─▶ Because a was\n      not found.\n",
            "No solution found: Because a was not found.",
        ),
        ("uv", "error: failed\n  cause: it is absent\n", "error: failed cause: it is absent"),
        ("uv", "", "uv printed nothing"),
    ],
)
def test_a_reason_is_one_line_and_names_the_installer(
    monkeypatch: pytest.MonkeyPatch, name: str, output: str, reason: str
) -> None:
    monkeypatch.setattr(installers, "which", lambda _: "/tools/uv" if name == "uv" else None)

    def fail(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, output)

    with pytest.raises(BuildError) as raised:
        install_packages("six", ["six"], Path("/target"), fail)

    assert str(raised.value) == f"six: {name} could not install it: {reason}"
