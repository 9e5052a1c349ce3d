"""The measuring server of the benchmarks, where it hands out several invocations at a time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark_modules import benchmark

# Two connections. The response of the first is under way until that of the second has ended, in both of its waves.
CLIENT = r"""
import os, re, socket

host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
first, second = (socket.create_connection((host, int(port))) for _ in range(2))


def ask(connection):
    connection.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n")


def answer(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1 << 16)
    head, _, body = head.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head


def begin(connection):
    number = re.search(rb"Aws-Request-Id: (\S+)", answer(connection))[1]
    connection.sendall(
        b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: api\r\n"
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n" % number
    )
    send(connection)


def send(connection):
    connection.sendall(b"14\r\n%019d\n\r\n" % 1)


def end(connection):
    connection.sendall(b"0\r\n\r\n")
    assert answer(connection).startswith(b"HTTP/1.1 202 ")


for _ in range(2):
    ask(first)
    ask(second)
    begin(first)
    begin(second)
    send(second)
    end(second)
    send(first)
    end(first)
ask(first)
ask(second)
answer(first)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler, `cc`, to build the measuring server with")
    return Path(benchmark("building").build_program(tmp_path_factory.mktemp("server"), "server"))


def test_it_reads_each_response_while_others_are_under_way(server: Path) -> None:
    command = [str(server), "-c", "2", "-n", "2", "-w", "{}", "-s", "-u", "--", sys.executable, "-c", CLIENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert [invocation["body"] for invocation in seen["invocations"]] == [40, 40]
    assert [invocation["chunks"] for invocation in seen["invocations"]] == [2, 2]
    assert len(seen["delays_ns"]) == 4  # without those of the warm-ups
