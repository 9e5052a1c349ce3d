"""The AWS CDK itself: its CLI from npm and its library from PyPI, installed once in the project's cache folder."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emulator_process import RUNTIME
from kept_tools import kept_folder
from processes import ROOT, clean_environment

CLI_VERSION, LIBRARY_VERSION = "2.1148.1", "2.275.0"
INSTALL_TIMEOUT_S = 15 * 60
SYNTH_TIMEOUT_S = 5 * 60
APP = ROOT / "tests" / "data" / "projects" / "cdk_app"


def synthesize(folder: Path, app: Path = APP, **context: str) -> Path:
    """Return the cloud assembly of an app, written below `folder`. Skips the test without Node.js."""
    home = _installed()
    out = folder / "cdk.out"
    environment = clean_environment() | {
        "PATH": f"{home / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHON_RUNTIME": RUNTIME,
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # the app is run where it is
    }
    command: list[str | Path] = [
        home / "node_modules" / ".bin" / "cdk",
        "synth",
        "--quiet",
        "--no-notices",
        "--output",
        out,
        *(word for name, value in context.items() for word in ("--context", f"{name}={value}")),
    ]
    made = subprocess.run(
        command, cwd=app, env=environment, capture_output=True, text=True, timeout=SYNTH_TIMEOUT_S, check=False
    )
    assert made.returncode == 0, made.stderr
    return out


def _installed() -> Path:
    """Return the folder with both halves; installs them if that has not been done."""
    home = kept_folder(f"cdk-{CLI_VERSION}-{LIBRARY_VERSION}-{RUNTIME}")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("the CDK needs Node.js, and there is no `node` with `npm` on the PATH")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes
        done = home / "done"
        if not done.exists():
            _run(npm, "install", "--no-audit", "--no-fund", "--prefix", home, f"aws-cdk@{CLI_VERSION}")
            _run(sys.executable, "-m", "venv", home / "venv")
            _run(home / "venv" / "bin" / "pip", "install", "--quiet", f"aws-cdk-lib=={LIBRARY_VERSION}")
            done.touch()
    return home


def _run(*command: str | Path) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    if ran.returncode:
        pytest.skip(f"{' '.join(map(str, command))} fails: {ran.stderr.strip()[-300:]}")
