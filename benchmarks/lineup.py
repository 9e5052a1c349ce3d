"""Everybody who is measured on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import adapter
import apps
import node
import peers
import runtimes
import rust
from building import bare_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from clients import Client


class Lineup:
    """The clients by name, and the reasons why some are missing."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.missing: dict[str, str] = {}

    def add(self, names: Iterable[str], make: Callable[[], Iterable[Client]]) -> None:
        """Make the clients of these names, or note why they cannot be made."""
        try:
            self.clients.update((client.name, client) for client in make())
        except peers.PeerMissingError as error:
            self.missing.update(dict.fromkeys(names, str(error)))


def make_lineup(scratch: Path, layer: Path, *, build: bool) -> Lineup:
    """Install who is missing; without `build`, not those that nothing else needs and that take minutes to build."""
    python, lineup = str(bare_python(scratch)), Lineup()
    runtime = _runtime(scratch)
    lineup.add([], lambda: [runtimes.limit(scratch), runtimes.python_floor(python)])
    lineup.add([], lambda: runtimes.ours(layer, python, runtime))
    lineup.add([runtimes.AWS_PYTHON], lambda: [runtimes.aws_python(python, peers.runtime())])
    lineup.add(apps.CLIENTS, lambda: apps.clients(layer, python, runtime, *_packages()))
    lineup.add(adapter.CLIENTS, lambda: adapter.clients(python, *_packages()))
    lineup.add([rust.RUST], lambda: [rust.client(build=build)])
    lineup.add([node.AWS_NODE], lambda: [node.client(build=build)])
    return lineup


def _packages() -> tuple[Path, Path]:
    """The apps' packages, and what uvicorn[standard] adds."""
    return peers.packages("bench-apps"), peers.packages("bench-uvicorn-standard")


def _runtime(scratch: Path) -> Path:
    """What stands for /var/runtime. The layer's wrapper starts without it too."""
    try:
        return peers.runtime()
    except peers.PeerMissingError:
        return scratch / "no-runtime"
