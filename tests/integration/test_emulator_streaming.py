"""That it streams: at each gate the client has read chunk n, and the function has not made chunk n + 1 yet."""

import subprocess
from itertools import islice
from typing import Any

import pytest

from emulator_process import EmulatorProcess
from gate import Gate
from url_client import wire
from waiting import TIMEOUT_S, read_exactly

CHUNKS = 5
EXPECTED = [f"chunk {number}\n".encode() for number in range(CHUNKS)]

every_body = pytest.mark.parametrize(
    "case", ["gated", "async_gated", "gated_body", "async_gated_body", "coroutine_gated_body"]
)


@every_body
def test_curl_prints_each_chunk_before_the_next_one_is_made(emulator: EmulatorProcess, gate: Gate, case: str) -> None:
    url = f"{emulator.urls['cases']}{case}?gate={gate.address}&chunks={CHUNKS}"
    with subprocess.Popen(["curl", "--silent", "--no-buffer", url], stdout=subprocess.PIPE) as curl:
        assert curl.stdout is not None
        try:
            for expected in EXPECTED:
                assert read_exactly(curl.stdout, len(expected)) == expected
                gate.open()
            assert read_exactly(curl.stdout, 1) == b""
            assert curl.wait(TIMEOUT_S) == 0
        finally:
            curl.kill()


@every_body
def test_each_chunk_is_on_the_wire_before_the_next_one_is_made(
    emulator: EmulatorProcess, gate: Gate, case: str
) -> None:
    with wire(emulator.urls["cases"], f"/{case}", gate=gate.address, chunks=CHUNKS) as connection:
        head = connection.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\ntransfer-encoding: chunked\r\n" in head.lower()
        for expected in EXPECTED:
            frame = b"%x\r\n%b\r\n" % (len(expected), expected)
            assert connection.read_until(frame) == frame
            gate.open()
        assert b"".join(connection.read_on()) == b"0\r\n\r\n"


@every_body
def test_boto3_gives_each_chunk_before_the_next_one_is_made(sdk: Any, gate: Gate, case: str) -> None:
    event = f'{{"case": "{case}", "gate": "{gate.address}", "chunks": {CHUNKS}}}'
    response = sdk.invoke_with_response_stream(FunctionName="cases", Payload=event)
    stream = iter(response["EventStream"])
    for expected, item in zip(EXPECTED, islice(stream, CHUNKS), strict=True):
        assert item == {"PayloadChunk": {"Payload": expected}}
        gate.open()
    assert list(stream) == [{"InvokeComplete": {}}]
