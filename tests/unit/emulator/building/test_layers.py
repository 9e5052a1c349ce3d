import subprocess
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify
from lambda_streamify_emulator.building.layers import assemble
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.template.reader import Layer
from layer_build import SOURCE, SOURCE_MODES, modes
from unreaped import RUN


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_no_layers_make_an_empty_folder(tmp_path: Path) -> None:
    assemble([], tmp_path / "new" / "opt", RUN)

    assert list((tmp_path / "new" / "opt").iterdir()) == []


def test_later_layers_lie_over_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path / "a" / "python", one="a", both="a")
    write(tmp_path / "b" / "python", two="b", both="b")

    assemble([Layer("A", tmp_path / "a"), Layer("B", tmp_path / "b")], tmp_path / "opt", RUN)

    files = {path.name: path.read_text() for path in (tmp_path / "opt" / "python").iterdir()}
    assert files == {"one": "a", "two": "b", "both": "b"}
    assert (tmp_path / "a" / "python" / "both").read_text() == "a"


def test_links_stay_links_and_are_replaced_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a", target="a")
    for name in ("link", "other", "folder"):
        (tmp_path / "a" / name).symlink_to("target")
    write(tmp_path / "b", other="b")
    (tmp_path / "b" / "link").symlink_to("other")
    write(tmp_path / "b" / "folder", inside="b")

    assemble([Layer("A", tmp_path / "a"), Layer("B", tmp_path / "b")], tmp_path / "opt", RUN)

    opt = tmp_path / "opt"
    assert str((opt / "link").readlink()) == "other"
    assert (opt / "target").read_text() == "a"
    assert (opt / "other").read_text() == "b"
    assert not (opt / "other").is_symlink()
    assert (opt / "folder" / "inside").read_text() == "b"


def test_a_layer_that_cannot_be_laid_over_another_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a" / "thing", inside="a")
    (write(tmp_path / "b") / "thing").symlink_to("x")

    with pytest.raises(BuildError, match=r"^the layer B cannot be copied: .*thing"):
        assemble([Layer("A", tmp_path / "a"), Layer("B", tmp_path / "b")], tmp_path / "opt", RUN)


def test_a_makefile_layer_is_what_its_target_puts_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makefile = 'build-Mine:\n\t@echo made > made; cp made "$(ARTIFACTS_DIR)/$(MAKELEVEL)"\n'
    source = write(tmp_path / "source", Makefile=makefile, kept="not shipped")
    monkeypatch.setenv("MAKELEVEL", "5")
    monkeypatch.setenv("MAKEFLAGS", "--dry-run")

    assemble([Layer("Mine", source, "makefile")], tmp_path / "opt", RUN)

    assert [path.name for path in (tmp_path / "opt").iterdir()] == ["0"]
    assert not (source / "made").exists()


def test_a_makefile_layer_is_made_once_for_each_content(tmp_path: Path) -> None:
    makefile = f'build-Mine:\n\t@echo made >> {tmp_path}/log; cp kept "$(ARTIFACTS_DIR)"\n'
    source = write(tmp_path / "source", Makefile=makefile, kept="1")

    for number in range(2):
        assemble([Layer("Mine", source, "makefile")], tmp_path / f"opt{number}", RUN)
    write(source, kept="2")
    assemble([Layer("Mine", source, "makefile")], tmp_path / "opt2", RUN)

    assert (tmp_path / "log").read_text() == "made\n" * 2
    assert [(tmp_path / f"opt{number}" / "kept").read_text() for number in range(3)] == ["1", "1", "2"]


def test_a_makefile_layer_without_makefile_is_built_already(tmp_path: Path) -> None:
    write(tmp_path / "built", streamify="x")

    assemble([Layer("Mine", tmp_path / "built", "makefile")], tmp_path / "opt", RUN)

    assert (tmp_path / "opt" / "streamify").read_text() == "x"


def test_a_makefile_that_fails_is_named_with_all_that_it_said(tmp_path: Path) -> None:
    write(tmp_path / "source", Makefile="build-Mine:\n\t@printf 'no \\377\\n' >&2; false\n")

    with pytest.raises(BuildError) as raised:
        assemble([Layer("Mine", tmp_path / "source", "makefile")], tmp_path / "opt", RUN)

    message = str(raised.value)
    assert message.startswith("the layer Mine: `make build-Mine` failed:\nno �\nmake: ")
    assert not message.endswith("\n")


def test_without_make_its_absence_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "source", Makefile="build-Mine:\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BuildError) as raised:
        assemble([Layer("Mine", tmp_path / "source", "makefile")], tmp_path / "opt", RUN)

    assert str(raised.value) == "the layer Mine is built by make, which is not installed"


def test_a_python_layer_is_built_once_for_each_content(tmp_path: Path) -> None:
    source, said = write(tmp_path / "source", **{"mine.py": "1", "requirements.txt": "dependency\n"}), list[str]()

    def pretend(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        (Path(command[command.index("--target") + 1]) / "dependency.py").touch()
        return subprocess.CompletedProcess(command, 0, "")

    for number in range(3):
        if number == 2:
            write(source, **{"mine.py": "2"})
        assemble([Layer("Once", source, "python3.12")], tmp_path / f"opt{number}", pretend, said.append)

    assert [line for line in said if line.startswith("installing")] == [
        f"installing {source / 'requirements.txt'} with pip …"
    ] * 2
    assert [(tmp_path / f"opt{number}" / "python" / "mine.py").read_text() for number in range(3)] == ["1", "1", "2"]
    assert (tmp_path / "opt1" / "python" / "dependency.py").exists()


def test_a_layer_for_another_language_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^the layer Mine: its BuildMethod: there is no Python runtime 'nodejs22\.x'"):
        assemble([Layer("Mine", write(tmp_path / "source"), "nodejs22.x")], tmp_path / "opt", RUN)


def test_a_python_layer_without_requirements_needs_no_pip(tmp_path: Path) -> None:
    assemble([Layer("Mine", write(tmp_path / "source", **{"mine.py": ""}), "python3.12")], tmp_path / "opt", RUN)

    assert [path.name for path in (tmp_path / "opt" / "python").iterdir()] == ["mine.py"]


def test_the_installed_layer_is_what_the_makefile_ships_but_for_bytecode(tmp_path: Path) -> None:
    assemble([Layer("streamify", None)], tmp_path / "opt", RUN)

    assert modes(tmp_path / "opt") == SOURCE_MODES
    assert (tmp_path / "opt" / "streamify").read_bytes() == (SOURCE / "lambda_streamify" / "streamify.sh").read_bytes()


def test_without_the_package_the_installed_layer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_streamify, "__spec__", None)
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(__import__("sys").modules, "lambda_streamify")

    with pytest.raises(BuildError) as raised:
        assemble([Layer("streamify", None)], tmp_path / "opt", RUN)

    assert str(raised.value) == (
        "the package lambda_streamify is not installed beside the emulator: pip install lambda-streamify"
    )
