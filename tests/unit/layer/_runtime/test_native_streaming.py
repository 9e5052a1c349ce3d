import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import awslambdaric
import pytest

from lambda_streamify._runtime.native_streaming import streaming_client

INSTALLED = Path(awslambdaric.__file__).parents[1]
HEADER = "Lambda-Runtime-Function-Response-Mode"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with AWS's client, as if it were a newer version."""
    shutil.copytree(INSTALLED / "awslambdaric", tmp_path / "awslambdaric")
    for compiled in INSTALLED.glob("runtime_client*.so"):
        shutil.copy(compiled, tmp_path)
    set_version(tmp_path, "4.3.0")
    return tmp_path


def set_version(folder: Path, version: str) -> None:
    (folder / "awslambdaric" / "__init__.py").write_text(f'__version__ = "{version}"\n')


def test_the_client_that_is_installed_here_does_not_stream() -> None:
    assert streaming_client(sys.path) is None


def test_a_newer_version_alone_does_not_mean_that_it_streams(folder: Path) -> None:
    assert streaming_client([str(folder)]) is None


@pytest.mark.parametrize("header", [HEADER, HEADER.lower()])
@pytest.mark.parametrize(
    "file", ["awslambdaric/streams.py", "awslambdaric/native.abi3.so", "runtime_client.cpython-313-x86_64-linux-gnu.so"]
)
@pytest.mark.parametrize("version", ["4.3.0", "5.0.0rc1", "4.10"])
def test_a_newer_client_streams_if_a_file_of_it_names_the_header(
    folder: Path, version: str, file: str, header: str
) -> None:
    set_version(folder, version)
    (folder / file).write_bytes(b"\0" + header.encode() + b": streaming\0")

    assert streaming_client([str(folder)]) == (version, str(folder))


def test_a_version_that_is_known_is_not_searched(folder: Path) -> None:
    set_version(folder, "4.2.2")
    (folder / "awslambdaric" / "streams.py").write_text(HEADER)

    assert streaming_client([str(folder)]) is None


def test_the_first_client_counts_as_the_first_is_imported(folder: Path) -> None:
    (folder / "awslambdaric" / "streams.py").write_text(HEADER)

    assert streaming_client([str(folder / "nothing"), str(INSTALLED), str(folder)]) is None
    assert streaming_client([str(folder / "nothing"), str(folder), str(INSTALLED)]) == ("4.3.0", str(folder))


def test_a_client_that_names_no_version_is_searched(folder: Path) -> None:
    (folder / "awslambdaric" / "__init__.py").write_text("")
    (folder / "awslambdaric" / "streams.py").write_text(HEADER)

    assert streaming_client([str(folder)]) == ("", str(folder))


def unreadable_text(folder: Path) -> None:
    (folder / "awslambdaric" / "__init__.py").write_bytes(b"\xff")


def folder_for_a_file(folder: Path) -> None:
    (folder / "awslambdaric" / "streams.py").mkdir()


@pytest.mark.parametrize("break_it", [unreadable_text, folder_for_a_file])
def test_a_client_that_cannot_be_read_does_not_stream(folder: Path, break_it: Callable[[Path], None]) -> None:
    break_it(folder)

    assert streaming_client([None, str(folder)]) is None
