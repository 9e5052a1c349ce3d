"""`aread_stream` on what AWS's asynchronous SDK gets: from the emulator, whole, and from a server that breaks off."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify
from aws_sdk_lambda import python_with_sdk
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from lambda_streamify_emulator.lambda_api import eventstream
from processes import clean_environment
from source_server import Answer, serving
from waiting import TIMEOUT_S, read_exactly

# Prints a line of JSON for each thing that comes, in the order in which it comes.
CLIENT = """
import asyncio, json, sys

sys.path.append(sys.argv[1])
from aws_sdk_lambda.client import AsyncLambdaClient
from aws_sdk_lambda.config import AsyncLambdaConfig
from aws_sdk_lambda.models import InvokeWithResponseStreamInput
from lambda_streamify.client import aread_stream
from lambda_streamify.errors import StreamFailed

def say(**said):
    print(json.dumps(said), flush=True)

async def main():
    config = await AsyncLambdaConfig.resolve(
        endpoint_uri=sys.argv[2], region="us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
    )
    client = AsyncLambdaClient(config=config)
    asked = InvokeWithResponseStreamInput(function_name="cases", payload=sys.argv[3].encode(), log_type="Tail")
    async with aread_stream(await client.invoke_with_response_stream(asked)) as stream:
        say(status=stream.status_code, headers=stream.headers, cookies=stream.cookies)
        try:
            async for chunk in stream:
                say(chunk=chunk.decode("latin-1"))
        except StreamFailed as failure:
            say(failure=type(failure).__name__, code=failure.error_code, details=failure.error_details)
        say(log=bool(stream.log_result))

asyncio.run(main())
"""
PATH = "/2021-11-15/functions/cases/response-streaming-invocations"


@pytest.fixture(scope="module")
def python() -> Path:
    return python_with_sdk()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("sdk"), cache) as emulator:
        yield emulator


@contextmanager
def running(python: Path, endpoint: str, event: object) -> "Iterator[subprocess.Popen[bytes]]":
    layer = Path(lambda_streamify.__file__).parents[1]
    with subprocess.Popen(
        [python, "-c", CLIENT, layer, endpoint, json.dumps(event)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(python: Path, endpoint: str, event: object) -> list[dict[str, Any]]:
    with running(python, endpoint, event) as process:
        printed, complaint = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, complaint.decode()
    return [json.loads(line) for line in printed.splitlines()]


def test_a_chunk_is_read_while_the_function_holds_the_next_one_back(
    python: Path, emulator: EmulatorProcess, gate: Gate
) -> None:
    event = {"case": "gated", "gate": gate.address, "chunks": 3}
    with running(python, emulator.lambda_api, event) as process:
        assert process.stdout is not None
        head = b'{"status": null, "headers": {}, "cookies": []}\n'
        assert read_exactly(process.stdout, len(head)) == head
        for number in range(3):
            line = b'{"chunk": "chunk %d\\n"}\n' % number
            assert read_exactly(process.stdout, len(line)) == line
            gate.open()
        assert process.wait(TIMEOUT_S) == 0


def test_the_prelude_and_the_log_arrive(python: Path, emulator: EmulatorProcess) -> None:
    answer = {"statusCode": 418, "headers": {"x-mine": "1"}, "cookies": ["a=1"], "body": ["one", {"base64": "AP8="}]}
    http = {"method": "GET", "path": "/answer", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    context = {"domainName": "abc.lambda-url.us-east-1.on.aws", "http": http}
    query = {"response": json.dumps(answer)}
    event = {"version": "2.0", "rawPath": "/answer", "requestContext": context, "queryStringParameters": query}
    head, *chunks, end = said(python, emulator.lambda_api, event)

    assert (head["status"], head["headers"]["x-mine"], head["cookies"]) == (418, "1", ["a=1"])
    assert "".join(each["chunk"] for each in chunks) == "one\0\xff"
    assert end == {"log": True}


def test_an_error_of_the_function_is_raised_behind_the_chunks(python: Path, emulator: EmulatorProcess) -> None:
    _, *chunks, failure, _ = said(python, emulator.lambda_api, {"case": "fails", "after": 2})

    assert "".join(each["chunk"] for each in chunks) == "chunk 0\nchunk 1\n"
    assert (failure["failure"], failure["details"]["errorType"]) == ("StreamFailed", "LookupError")


CHUNK = eventstream.payload_chunk(b"one")


@pytest.mark.parametrize(
    "answer",
    [
        Answer("application/vnd.amazon.eventstream", [CHUNK]),
        Answer("application/vnd.amazon.eventstream", [CHUNK], cut=True),
        Answer("application/vnd.amazon.eventstream", [CHUNK + CHUNK[:20]]),
        Answer("application/vnd.amazon.eventstream", [CHUNK + CHUNK[:-1] + b"\0"]),
    ],
    ids=["no-last-event", "no-last-chunk", "half-a-frame", "wrong-checksum"],
)
def test_a_response_that_breaks_off_is_cut(python: Path, answer: Answer) -> None:
    with serving({PATH: answer}) as server:
        _, chunk, failure, _ = said(python, server.address, {})

    assert chunk == {"chunk": "one"}
    assert failure == {"failure": "StreamCut", "code": None, "details": None}
