"""More clients than the emulator may open files."""

import re
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator_process import emulating
from url_client import Reply, request

LIMIT, CLIENTS = 64, 60

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it limits the files of another process by prlimit(2)")


def test_with_more_clients_than_files_each_is_answered_and_the_log_stays_short(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache, measured=False) as emulator:
        url = emulator.urls["cases"]
        resource.prlimit(emulator.process.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))

        def ask(_: int) -> Reply:
            return request(url, "/value", value="42")

        with ThreadPoolExecutor(CLIENTS) as clients:
            replies = list(clients.map(ask, range(CLIENTS)))

        assert {reply.status for reply in replies} <= {200, 502}
        assert request(url, "/value", value="42").body == b"42"
        expected = re.compile(r"cases \| (START|END|REPORT) |GET /value")  # of each request
        lines = [line for line in emulator.log().splitlines() if not expected.match(line)]
        assert any("Too many open files" in line for line in lines)
        assert len(lines) < CLIENTS
        assert "Traceback" not in emulator.log()
