"""AWS's Lambda Web Adapter, the real program: the benchmarks and the tests build it from crates.io once, for both."""

from pathlib import Path

import pytest

from benchmark_modules import benchmark


def web_adapter() -> Path:
    """Return the program; builds it if that has not been done. Skips the test if it cannot be built."""
    adapter, peers = benchmark("adapter"), benchmark("peers")
    try:
        return Path(adapter.program())
    except peers.PeerMissingError as missing:
        pytest.skip(str(missing))
