"""`streamify replay` as people run it: a process with clients, until a signal ends it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from emulator_process import COMMAND, environment
from url_client import Wire, request, wire
from waiting import TIMEOUT_S

STORY = """\
{"version":1,"kind":"lambda-stream","layer":"client"}
[1,"h",{"status_code":201,"headers":{"content-type":"text/plain","x-api-key":"(not recorded)"},"cookies":["a=1"]}]
[2,"o","one"]
[3,"b","//8="]
[4,"x",{"reason":"end","bytes":5,"chunks":2}]
"""


class Replaying:
    """The command, and where it listens."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.told = json.loads(process.stdout.readline())
        self.url: str = self.told["url"]

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; the exit status, and what was written to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, errors


@contextmanager
def replaying(folder: Path, cache: Path, *options: str) -> Iterator[Replaying]:
    path = folder / "story.ndjson"
    path.write_text(STORY)
    command: list[str | Path] = [COMMAND, "replay", path, "--port", "0", "--json", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(cache), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Replaying(process)
        finally:
            process.kill()


def test_a_client_gets_what_was_recorded(tmp_path: Path, cache: Path) -> None:
    with replaying(tmp_path, cache) as replay:
        reply = request(replay.url)

        assert (reply.status, reply.body) == (201, b"one\xff\xff")
        assert (reply.all("content-type"), reply.all("set-cookie"), reply.all("x-api-key")) == (
            ["text/plain"],
            ["a=1"],
            [],
        )
        assert replay.told["left_out"] == ["x-api-key"]
        assert replay.end(signal.SIGTERM) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_though_clients_wait_for_more(tmp_path: Path, cache: Path, number: int) -> None:
    with replaying(tmp_path, cache, "--stall", "1:3600") as replay, ExitStack() as stack:
        waiting: list[Wire] = [stack.enter_context(wire(replay.url, "/")) for _ in range(3)]
        for client in waiting:
            client.read_until(b"3\r\none\r\n")

        assert replay.end(number) == (0, "")
        assert [list(client.read_on()) for client in waiting] == [[]] * 3


def test_a_connection_that_is_to_break_does(tmp_path: Path, cache: Path) -> None:
    with replaying(tmp_path, cache, "--disconnect", "1") as replay, wire(replay.url, "/") as client:
        client.read_until(b"3\r\none\r\n")

        assert list(client.read_on()) == []
        assert replay.end(signal.SIGTERM) == (0, "")
