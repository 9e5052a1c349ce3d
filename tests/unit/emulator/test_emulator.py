import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shutil import make_archive
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.eventstream import EventStreamBuffer

from asynchronous import run
from lambda_streamify_emulator import emulator as module
from lambda_streamify_emulator.dashboard.activity import Activity
from lambda_streamify_emulator.emulator import Emulator
from lambda_streamify_emulator.errors import AddressError, BuildError, EmulatorError, InterpreterError, TemplateError
from lambda_streamify_emulator.sandboxes import packages
from lambda_streamify_emulator.sandboxes.interpreters import Interpreter, find_interpreter
from lambda_streamify_emulator.sandboxes.pool import SandboxPool
from lambda_streamify_emulator.settings import Settings
from lambda_streamify_emulator.template.reader import load_template
from process_table import is_running
from tiny_runtime import SAY_PROCESS
from tiny_template import RUNTIME, write_template

FUNCTION = "    Type: AWS::Serverless::Function\n    Properties:\n"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the emulator's temporary folders lie."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


class Told:
    """An emulator, and what it told."""

    def __init__(self, path: Path, port: int = 0) -> None:
        self.said: list[str] = []
        self.logged: list[tuple[str, str]] = []
        self.emulator = Emulator(
            load_template(path), port=port, say=self.said.append, log=lambda *line: self.logged.append(line)
        )


def post(url: str, path: str, body: bytes) -> bytes:
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("POST", path, body)
        return connection.getresponse().read()


def entries(folder: Path) -> int:
    return len(list(folder.iterdir()))


def test_functions_run_behind_their_urls_and_the_lambda_api_until_the_end(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path)

    async def main() -> None:
        told = Told(path)
        async with told.emulator as emulator:
            assert list(emulator.urls) == ["first", "Second"]
            call = "/2021-11-15/functions/first/response-streaming-invocations"
            body = json.dumps(SAY_PROCESS).encode()
            buffer: Any = EventStreamBuffer()
            buffer.add_data(await asyncio.to_thread(post, emulator.lambda_api, call, body))
            process = int(next(iter(buffer)).payload)
            # This runtime takes the event's text for code, which an HTTP request's is not.
            assert await asyncio.to_thread(post, emulator.urls["Second"], "/", b"") == b"Internal Server Error"
            assert {name for name, line in told.logged if "RequestId" not in line} == {"Second"}
            assert ("Second", "Runtime exited with error: exit status 1") in told.logged
            assert entries(scratch) == 1

        assert told.said == []
        assert entries(scratch) == 0
        assert not is_running(process)
        for url in (emulator.lambda_api, *emulator.urls.values()):
            with pytest.raises(ConnectionRefusedError):
                post(url, "/", b"")

    run(main())


def test_the_dashboard_shows_what_runs_if_there_is_one(tmp_path: Path) -> None:
    activity = Activity()
    logged: list[tuple[str, str]] = []
    template, settings = load_template(write_template(tmp_path)), Settings(activity=activity)

    def get(address: str) -> bytes:
        with closing(HTTPConnection(urlsplit(address).netloc, timeout=10)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read()

    async def main() -> None:
        log = lambda *line: logged.append(line)  # noqa: E731
        async with Emulator(template, port=0, say=print, log=log, settings=settings) as emulator:
            assert b"<title>streamify</title>" in await asyncio.to_thread(get, emulator.lambda_api)
            call = "/2021-11-15/functions/first/response-streaming-invocations"
            code = json.dumps("print('printed'); respond(b'abc')").encode()
            await asyncio.to_thread(post, emulator.lambda_api, call, code)
        assert activity.is_over

    run(main())

    (invocation,) = activity.since(0)["invocations"]
    assert [invocation[name] for name in ("function", "chunks", "bytes", "reason")] == ["first", 1, 3, "end"]
    assert "printed" in activity.since(0)["logs"]["first"]
    assert ("first", "printed") in logged


def test_archives_are_served_as_lambda_gets_them(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    for kind in ("code", "layer"):
        make_archive(str(tmp_path / f"packed-{kind}"), "zip", tmp_path / kind)
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:runtime:1"
    text = path.read_text().replace("CodeUri: code", "CodeUri: packed-code.zip")
    path.write_text(text.replace("[!Ref Layer]", f"['{arn}']"))
    template = load_template(path, layers={arn: tmp_path / "packed-layer.zip"})

    async def main() -> None:
        async with Emulator(template, port=0, say=print, log=print) as emulator:
            call = "/2021-11-15/functions/first/response-streaming-invocations"
            answer = await asyncio.to_thread(post, emulator.lambda_api, call, json.dumps(SAY_PROCESS).encode())
            assert b"PayloadChunk" in answer
            assert b"ErrorCode" not in answer

    run(main())


def test_the_control_port_answers_nobody_who_takes_it_for_another(tmp_path: Path) -> None:
    def get(address: str, **headers: str) -> tuple[int, dict[str, str]]:
        with closing(HTTPConnection(urlsplit(address).netloc, timeout=10)) as connection:
            connection.request("GET", "/_streamify/credentials", headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    async def main() -> None:
        async with Told(write_template(tmp_path)).emulator as emulator:
            found = await asyncio.to_thread(get, emulator.lambda_api)
            assert found == (200, emulator.iam.described())
            status, report = await asyncio.to_thread(get, emulator.lambda_api, Host="attacker.example")
            assert status == 403
            assert "'attacker.example'" in report["Message"]

    run(main())


def test_an_installation_is_waited_for_by_its_own_function_alone_and_ends_with_the_emulator(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_template(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "requirements.txt").write_text("held-back==1\n")
    path.write_text(path.read_text().replace("{FunctionUrlConfig:", "{CodeUri: more, FunctionUrlConfig:"))
    call = "/2021-11-15/functions/%s/response-streaming-invocations"

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as index:  # which accepts, and answers nothing
            monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
            monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/")
            told = Told(path)
            async with told.emulator as emulator:
                held = asyncio.create_task(asyncio.to_thread(post, emulator.lambda_api, call % "Second", b"{}"))
                connection, _ = await asyncio.to_thread(index.accept)
                asked = json.dumps(SAY_PROCESS).encode()
                assert b"PayloadChunk" in await asyncio.to_thread(post, emulator.lambda_api, call % "first", asked)
                assert not held.done()
            with suppress(HTTPException, OSError):
                assert b"pip could not install it" in await held
            connection.close()
        requirements = tmp_path / "more" / "requirements.txt"
        assert told.said == [f"installing {requirements}"]
        assert ("Second", f"{requirements}: pip could not install it: pip said nothing") in told.logged

    run(main())
    assert entries(scratch) == 0


def free_ports(number: int) -> int:
    """The first of so many ports in a row that are free."""
    for first in range(20_000, 60_000, 100):
        try:
            held = [socket.create_server(("127.0.0.1", first + offset)) for offset in range(number)]
        except OSError:
            continue
        for listening in held:
            listening.close()
        return first
    raise AssertionError


def test_the_urls_follow_the_lambda_api_in_the_templates_order(tmp_path: Path) -> None:
    path, port = write_template(tmp_path), free_ports(3)

    async def main() -> None:
        async with Told(path, port).emulator as emulator:
            assert emulator.lambda_api == f"http://127.0.0.1:{port}"
            assert emulator.urls == {
                "first": f"http://127.0.0.1:{port + 1}/",
                "Second": f"http://127.0.0.1:{port + 2}/",
            }

    run(main())


WITHOUT_WRAPPER = "{Variables: {AWS_LAMBDA_EXEC_WRAPPER: !Ref AWS::NoValue}}"


def test_what_is_not_emulated_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = f"""
  Buffered:
{FUNCTION}      FunctionUrlConfig: {{AuthType: NONE}}
  Plain:
{FUNCTION}      Environment: {WITHOUT_WRAPPER}
  Node:
{FUNCTION}      Runtime: nodejs22.x
"""
    monkeypatch.setattr(module, "lacks_client", lambda version: f"nothing fits {version}")

    async def main() -> None:
        told = Told(write_template(tmp_path, resources))
        async with told.emulator as emulator:
            assert list(emulator.urls) == ["first", "Second", "Buffered"]
            call = "/2021-11-15/functions/Plain/response-streaming-invocations"
            assert b"Function not found" in await asyncio.to_thread(post, emulator.lambda_api, call, b"{}")

        without = f"without {module.WRAPPER} (/opt/streamify, to stream) it runs under AWS's own runtime"
        assert sorted(told.said) == [
            "Node is left out: its runtime is nodejs22.x, and only Python's are run here",
            f"Plain is left out: {without}, and nothing fits {RUNTIME}",
        ]

    run(main())


def test_a_template_of_which_nothing_can_be_served_fails_the_start(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(path.read_text().replace(f"Runtime: {RUNTIME}", "Runtime: nodejs22.x"))

    assert run(fails(path, 0, TemplateError)) == "the template has no function that can be served"
    assert list(scratch.iterdir()) == []


def test_a_notice_about_an_interpreter_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = find_interpreter(RUNTIME).python
    monkeypatch.setattr(packages, "find_interpreter", lambda _: Interpreter(own, RUNTIME, "another Python runs it"))

    async def main() -> None:
        told = Told(write_template(tmp_path))
        async with told.emulator:
            assert told.said == ["another Python runs it"]

    run(main())


@pytest.fixture
def taken() -> Iterator[int]:
    """The second of three ports in a row, in use."""
    first = free_ports(3)
    with socket.create_server(("127.0.0.1", first + 1)):
        yield first + 1


async def fails(path: Path, port: int, error: type[EmulatorError]) -> str:
    with pytest.raises(error) as raised:
        async with Told(path, port).emulator:
            raise AssertionError
    return str(raised.value)


def test_a_port_that_is_taken_fails_the_start_and_leaves_nothing_open(
    tmp_path: Path, scratch: Path, taken: int
) -> None:
    path = write_template(tmp_path)

    assert "for the Lambda API, is in use" in run(fails(path, taken, AddressError))
    assert f"port {taken}, for the URL of first, is in use" in run(fails(path, taken - 1, AddressError))

    assert list(scratch.iterdir()) == []
    socket.create_server(("127.0.0.1", taken - 1)).close()


def test_a_layer_that_cannot_be_built_fails_the_start_and_leaves_nothing_open(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(
        path.read_text().replace("{ContentUri: layer}", "{ContentUri: layer}\n    Metadata: {BuildMethod: makefile}")
    )
    (tmp_path / "layer" / "Makefile").write_text("build-Layer:\n\tfalse\n")
    port = free_ports(3)

    assert run(fails(path, port, BuildError)).startswith("the layer Layer: `make build-Layer` failed:")

    assert list(scratch.iterdir()) == []
    for number in range(port, port + 3):
        socket.create_server(("127.0.0.1", number)).close()


def test_a_runtime_that_lambda_does_not_have_fails_the_start(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path, f"  Old:\n{FUNCTION}      Runtime: python2.7\n")

    assert run(fails(path, 0, InterpreterError)).startswith("there is no Python runtime 'python2.7' on Lambda")
    assert list(scratch.iterdir()) == []


def test_an_end_at_which_a_pool_fails_still_leaves_nothing(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_template(tmp_path)

    async def fail(_: SandboxPool) -> None:
        raise RuntimeError("no")

    async def main() -> str:
        async with Told(path).emulator as emulator:
            monkeypatch.setattr(SandboxPool, "stop", fail)
            return emulator.lambda_api

    with pytest.raises(RuntimeError, match="no"):
        run(main())
    assert list(scratch.iterdir()) == []


def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path)

    async def main() -> None:
        starting = asyncio.create_task(Told(path).emulator.__aenter__())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    run(main())
    assert list(scratch.iterdir()) == []
