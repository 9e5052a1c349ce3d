"""Where the time goes, for the targets that are missed: a warm invocation up to its first chunk, and a start."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import peers
from workloads import FIRST_BYTE

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 8


@dataclass(frozen=True)
class Profile:
    """Parts of a whole: each with its name and its figure, the largest first."""

    title: str
    whole: str
    parts: list[tuple[str, str]]


def take_profiles(layer: Path, python: Path) -> list[Profile]:
    """What the layer does before the first byte of a warm invocation, and before it asks for the first one."""
    return [_invocation(layer, python), _start(layer, python)]


def _invocation(layer: Path, python: Path) -> Profile:
    script = str(peers.HANDLERS / "invocation_profile.py")
    seen = json.loads(_run(python, script, str(layer / "python"), json.dumps(FIRST_BYTE.event)).stdout)
    return Profile(
        "From the invocation's last byte received to the response's first byte sent, without the sockets",
        f"{seen['first_byte_us']:.1f} us of Python",
        [(name, f"{share:.0%}") for name, share in seen["shares"]],
    )


def _start(layer: Path, python: Path) -> Profile:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import lambda_streamify._runtime.bootstrap"
    lines = _run(python, "-X", "importtime", "-c", code, str(layer / "python")).stderr.splitlines()
    fields = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")][1:]
    own = sorted(((int(self_us), name.strip()) for self_us, _, name in fields), reverse=True)
    ours = sum(time for time, name in own if name.startswith("lambda_streamify")) / 1000
    whole = sum(time for time, _ in own) / 1000
    return Profile(
        "Modules that are imported before the first invocation is asked for",
        f"{whole:.1f} ms of imports, {ours:.1f} ms of them for the layer's own modules",
        [(name, f"{time / 1000:.2f} ms") for time, name in own[:_SHOWN]],
    )


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(python), *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
