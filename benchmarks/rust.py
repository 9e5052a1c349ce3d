"""A streaming function on AWS's Rust runtime: the compiled reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import peers
from clients import Client

RUST = "Rust runtime"
SOURCE = Path(__file__).parent / "rust"
_FILES = ("Cargo.toml", "src/main.rs")


def client(*, build: bool) -> Client:
    """The function; without `build`, only if it has been built before. Raises PeerMissingError if it cannot be had."""
    program = str(_folder(build=build) / "bin" / "streaming-function")
    return Client(RUST, {"chunks": "", "sync chunks": ""}, lambda _: [program])


def _folder(*, build: bool) -> Path:
    def install(folder: Path) -> None:
        cargo = shutil.which("cargo")
        if cargo is None:
            raise peers.PeerMissingError("there is no `cargo` to build it")
        # A copy: cargo would write its lock file beside the source.
        shutil.copytree(SOURCE, folder / "source")
        peers.run(["nice", "-n", "15", cargo, "install", "--path", str(folder / "source"), "--root", str(folder)])
        shutil.rmtree(folder / "source")

    return peers.installed(f"rust-{peers.digest([(SOURCE / name).read_text() for name in _FILES])}", install, build)
