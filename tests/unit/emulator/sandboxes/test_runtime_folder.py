import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from lambda_streamify_emulator.sandboxes import runtime_folder as module
from lambda_streamify_emulator.sandboxes.runtime_folder import OWN_VERSION, has_client, link_client, make_runtime_folder

BOTO3 = {"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py"}
OTHER = "python3.13" if OWN_VERSION != "python3.13" else "python3.12"


def test_it_brings_boto3_and_aws_s_client_with_what_they_need_and_nothing_else(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "var" / "runtime", tmp_path, OWN_VERSION)

    found = {path.name for path in folder.iterdir()}
    (compiled,) = (name for name in found if name.startswith("runtime_client."))
    client = {"awslambdaric", "simplejson", "snapshot_restore_py.py", compiled}
    assert found == {*BOTO3, *client, "bootstrap.py"}


def test_aws_s_client_stays_away_from_a_python_that_it_is_not_compiled_for(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "runtime", tmp_path, OTHER)

    assert {path.name for path in folder.iterdir()} == {*BOTO3, "bootstrap.py"}


def test_boto3_is_imported_from_it_alone(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "runtime", tmp_path, OWN_VERSION)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import boto3; print(boto3.__file__)"

    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout

    assert said == f"{folder}/boto3/__init__.py\n"


def test_the_script_that_starts_aws_s_client_knows_the_folder_of_the_layers(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "runtime", Path("/some's opt"), OWN_VERSION)

    assert '\nOPT = "/some\'s opt"\n' in (folder / "bootstrap.py").read_text()


def test_aws_s_client_is_there_where_it_is_installed_for_the_same_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_client(OWN_VERSION)
    assert not has_client(OTHER)

    def absent(name: str) -> object:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", absent)
    assert not has_client(OWN_VERSION)


def test_a_client_that_was_fetched_is_linked_with_what_it_needs_as_often_as_asked(tmp_path: Path) -> None:
    folder, client = tmp_path / "runtime", tmp_path / "client"
    for package in ("awslambdaric", "bin", "awslambdaric-4.2.2.dist-info", "__pycache__"):
        (client / package).mkdir(parents=True)
    for file in ("awslambdaric/__init__.py", "runtime_client.cpython-313.so", "snapshot_restore_py.py", ".lock"):
        (client / file).touch()
    folder.mkdir()

    for _ in range(2):
        link_client(folder, client)

    found = {path.name for path in folder.iterdir()}
    assert found == {"awslambdaric", "runtime_client.cpython-313.so", "snapshot_restore_py.py"}
