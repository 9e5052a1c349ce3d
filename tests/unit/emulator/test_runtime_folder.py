import subprocess
import sys
from pathlib import Path

from lambda_streamify_emulator.runtime_folder import make_runtime_folder


def test_it_brings_boto3_and_what_boto3_needs_and_nothing_else(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "var" / "runtime")

    assert {path.name for path in folder.iterdir()} == {
        *("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py"),
    }


def test_boto3_is_imported_from_it_alone(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path / "runtime")
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import boto3; print(boto3.__file__)"

    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout

    assert said == f"{folder}/boto3/__init__.py\n"
