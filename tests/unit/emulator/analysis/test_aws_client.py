import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from lambda_streamify_emulator.analysis.aws_client import streaming_version
from lambda_streamify_emulator.analysis.doctor import show
from lambda_streamify_emulator.recordings.recording import chunk_event

HEADER = b"Lambda-Runtime-Function-Response-Mode"


def install(folder: Path, **files: bytes) -> None:
    """Install a client of AWS's of version 5.0.0 into a folder, as pip does."""
    described = folder / "awslambdaric-5.0.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: awslambdaric\nVersion: 5.0.0\n")
    names = [name.replace("__", ".") for name in files]
    (described / "RECORD").write_text("".join(f"{name},,\n" for name in [*names, "removed.py"]))
    for name, content in zip(names, files.values(), strict=True):
        (folder / name).write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that Python searches first."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_the_client_that_is_installed_here_does_not_stream() -> None:
    assert version("awslambdaric") == "4.2.2"
    assert streaming_version() is None


def test_no_client_does_not_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert streaming_version() is None


@pytest.mark.parametrize("name", ["client__py", "compiled__so"])
def test_a_client_that_names_the_header_streams(folder: Path, name: str) -> None:
    install(folder, **{name: b"\0" + HEADER + b"\0"})
    assert streaming_version() == "5.0.0"


def test_a_client_that_only_documents_the_header_does_not_stream(folder: Path) -> None:
    install(folder, client__py=b"", README__md=HEADER)
    assert streaming_version() is None


def test_the_doctor_says_that_awss_client_streams(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(folder, client__py=HEADER)
    show([chunk_event(0, b"one"), chunk_event(1_000_000, b"two")], as_json=False)
    assert "awslambdaric 5.0.0 can stream: functions may not need lambda_streamify any more" in " ".join(
        capsys.readouterr().out.split()
    )
