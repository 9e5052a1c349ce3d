"""Where the time goes, for the targets that are missed: a warm invocation up to its first chunk, and a start."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import peers
from workloads import APP_TINY, FIRST_BYTE

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
    """What the layer does before the first byte of a warm invocation, and before it asks for the first one.

    And the same of apps: a chunk's way through Starlette, and the imports of Starlette and FastAPI.
    """
    own = [_invocation(layer, python), _start(layer, python)]
    try:
        packages = peers.packages("bench-apps")
    except peers.PeerMissingError:
        return own
    apps = [_imports(layer, python, packages, name) for name in ("Starlette", "FastAPI")]
    return [*own, _chunk(layer, python, packages), *apps]


def _invocation(layer: Path, python: Path) -> Profile:
    script = str(peers.HANDLERS / "invocation_profile.py")
    seen = json.loads(_run(python, script, str(layer / "python"), json.dumps(FIRST_BYTE.event)).stdout)
    return Profile(
        "From the invocation's last byte received to the response's first byte sent, without the sockets",
        f"{seen['first_byte_us']:.1f} us of Python",
        [(name, f"{share:.0%}") for name, share in seen["shares"]],
    )


def _chunk(layer: Path, python: Path, packages: Path) -> Profile:
    script, event = str(peers.HANDLERS / "chunk_profile.py"), json.dumps(replace(APP_TINY, count=5_000).event)
    seen = json.loads(_run(python, script, str(layer / "python"), "starlette_handler", event, packages=packages).stdout)
    return Profile(
        "A chunk of 20 B from an async generator in Starlette",
        f"{seen['calls']:.0f} calls in Python",
        [(name, f"{share:.0%}") for name, share in seen["shares"]],
    )


def _imports(layer: Path, python: Path, packages: Path, name: str) -> Profile:
    own = _import_times(layer, python, f"{name.lower()}_handler", packages)
    by_package: Counter[str] = Counter()
    for time, module in own:
        by_package[module.partition(".")[0]] += time
    return Profile(
        f"Packages that a function with {name} imports",
        f"{by_package.total() / 1000:.0f} ms of imports, each package without those that it imports",
        [(package, f"{time / 1000:.1f} ms") for package, time in by_package.most_common(_SHOWN)],
    )


def _start(layer: Path, python: Path) -> Profile:
    own = _import_times(layer, python, "lambda_streamify._runtime.bootstrap")
    ours = sum(time for time, name in own if name.startswith("lambda_streamify")) / 1000
    whole = sum(time for time, _ in own) / 1000
    return Profile(
        "Modules that are imported before the first invocation is asked for",
        f"{whole:.1f} ms of imports, {ours:.1f} ms of them for the layer's own modules",
        [(name, f"{time / 1000:.2f} ms") for time, name in own[:_SHOWN]],
    )


def _import_times(layer: Path, python: Path, module: str, packages: Path | None = None) -> list[tuple[int, str]]:
    """The microseconds that each module takes without those that it imports, the largest first."""
    code = f"import sys; sys.path[:0] = sys.argv[1:]; import lambda_streamify._runtime.bootstrap, {module}"
    folders = [str(layer / "python"), str(peers.HANDLERS)]
    lines = _run(python, "-X", "importtime", "-c", code, *folders, packages=packages).stderr.splitlines()
    fields = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")][1:]
    return sorted(((int(self_us), name.strip()) for self_us, _, name in fields), reverse=True)


def _run(python: Path, *arguments: str, packages: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    if packages:
        environment["PYTHONPATH"] = str(packages)
    return subprocess.run(
        [str(python), *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
