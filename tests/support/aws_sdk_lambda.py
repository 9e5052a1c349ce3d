"""An environment with aws-sdk-lambda, which needs Python 3.12: made once, kept in the project's cache folder."""

import subprocess
from pathlib import Path

import pytest

from kept_tools import kept_folder
from processes import clean_environment, interpreter

VERSION = "0.12.0"
PYTHON = "3.12"
INSTALL_TIMEOUT_S = 10 * 60


def python_with_sdk() -> Path:
    """Return the environment's interpreter. Skips the test without Python 3.12, or if pip cannot install the SDK."""
    base = interpreter(PYTHON)
    if base is None:
        pytest.skip(f"aws-sdk-lambda needs Python {PYTHON}, and none runs on this machine")
    folder = kept_folder(f"aws-sdk-lambda-{VERSION}-python{PYTHON}")
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True, timeout=INSTALL_TIMEOUT_S)
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", f"aws-sdk-lambda=={VERSION}"],
            env=clean_environment(), capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False,
        )  # fmt: skip
        if installed.returncode:
            pytest.skip(f"pip cannot install aws-sdk-lambda {VERSION}: {installed.stderr.strip()[-300:]}")
        complete.touch()
    return python
