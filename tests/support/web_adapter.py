"""AWS's Lambda Web Adapter, the real program: built once from crates.io, kept in the project's cache folder."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kept_tools import kept_folder

VERSION = "1.0.0-rc1"
CRATE = "lambda_web_adapter"
BUILD_TIMEOUT_S = 40 * 60  # four minutes on two idle cores, and it runs with low priority on one


def web_adapter() -> Path:
    """Return the program; builds it if that has not been done. Skips the test if it cannot be built."""
    root = kept_folder(f"lambda-adapter-{VERSION}")
    program = root / "bin" / "lambda-adapter"
    if program.exists():
        return program
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip(f"the Lambda Web Adapter is not in {root}, and there is no cargo to build it")
    root.mkdir(parents=True, exist_ok=True)
    command = ["nice", "-n", "15", cargo, "install", CRATE, "--version", VERSION, "-j", "1"]
    built = subprocess.run(
        [*command, "--root", root], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if built.returncode:
        pytest.skip(f"cargo cannot build {CRATE} {VERSION}: {built.stderr.strip()[-300:]}")
    return program
