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
from lambda_streamify_emulator.activity.activity import Activity
from lambda_streamify_emulator.emulator import Emulator
from lambda_streamify_emulator.errors import AddressError, BuildError, EmulatorError, TemplateError
from lambda_streamify_emulator.processes.interpreters import Interpreter, find_interpreter
from lambda_streamify_emulator.sandboxes import packages
from lambda_streamify_emulator.sandboxes.environment import WRAPPER
from lambda_streamify_emulator.sandboxes.pool import SandboxPool
from lambda_streamify_emulator.settings import DEFAULTS, Settings
from lambda_streamify_emulator.template.reader import load_template
from process_table import is_running
from tiny_runtime import SAY_HALF, SAY_PROCESS
from tiny_template import RUNTIME, write_template

FUNCTION = "    Type: AWS::Serverless::Function\n    Properties:\n"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parent of the emulator's temporary folders."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


class Told:
    """An emulator and its messages."""

    def __init__(self, path: Path, port: int = 0, settings: Settings = DEFAULTS) -> None:
        self.said: list[str] = []
        self.logged: list[tuple[str, str]] = []

        def log(name: str, line: str) -> None:
            self.logged.append((name, line))

        self.emulator = Emulator(load_template(path), port=port, say=self.said.append, log=log, settings=settings)


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
            # This runtime runs the event as code; the event of an HTTP request is not valid code.
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

    (invocation,) = activity.since(0)["rows"]
    assert [invocation[name] for name in ("function", "chunks", "bytes", "ending")] == ["first", 1, 3, "end"]
    assert ["first", "printed"] in [list(line[1:]) for line in activity.since(0)["lines"]]
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


def test_every_port_checks_the_host_header(tmp_path: Path) -> None:
    def get(address: str, **headers: str) -> tuple[int, bytes]:
        parts = urlsplit(address)
        with closing(HTTPConnection(parts.netloc, timeout=10)) as connection:
            connection.request("GET", parts.path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

    async def main() -> None:
        settings = Settings(allowed_hosts=("app.example.com",))
        async with Told(write_template(tmp_path), settings=settings).emulator as emulator:
            credentials = emulator.lambda_api + "/_streamify/credentials"
            status, found = await asyncio.to_thread(get, credentials)
            assert (status, json.loads(found)) == (200, emulator.iam.describe())
            for address in (credentials, *emulator.urls.values()):
                status, report = await asyncio.to_thread(get, address, Host="attacker.example")
                assert status == 403
                assert "'attacker.example'" in json.loads(report)["Message"]
                status, _ = await asyncio.to_thread(get, address, Host="app.example.com")
                assert status in (200, 502)  # the function's own answer

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
        with socket.create_server(("127.0.0.1", 0)) as index:  # accepts connections, and never answers
            monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
            monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/")
            told = Told(path, settings=Settings(activity=(activity := Activity())))
            async with told.emulator as emulator:
                held = asyncio.create_task(asyncio.to_thread(post, emulator.lambda_api, call % "Second", b"{}"))
                connection, _ = await asyncio.to_thread(index.accept)
                assert activity.since(0)["states"] == {"Second": "installing requirements"}
                asked = json.dumps(SAY_PROCESS).encode()
                assert b"PayloadChunk" in await asyncio.to_thread(post, emulator.lambda_api, call % "first", asked)
                assert not held.done()
            with suppress(HTTPException, OSError):
                assert b"pip could not install it" in await held
            connection.close()
        requirements = tmp_path / "more" / "requirements.txt"
        assert told.said == [f"installing {requirements} with pip …"]
        assert ("Second", f"{requirements}: pip could not install it: pip printed nothing") in told.logged

    run(main())
    assert entries(scratch) == 0


def free_ports(number: int) -> int:
    """Return the first of so many free ports in a row."""
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


def test_what_cannot_run_here_is_reported_and_the_others_are_served(tmp_path: Path) -> None:
    resources = f"""
  Buffered:
{FUNCTION}      FunctionUrlConfig: {{AuthType: NONE}}
  Java:
{FUNCTION}      Runtime: java21
      Environment: {WITHOUT_WRAPPER}
  Old:
{FUNCTION}      Runtime: python2.7
  Bundled:
    Metadata: {{BuildMethod: esbuild}}
{FUNCTION}      Runtime: nodejs22.x
"""

    async def main() -> None:
        told = Told(write_template(tmp_path, resources))
        async with told.emulator as emulator:
            assert list(emulator.urls) == ["first", "Second", "Buffered"]
            call = "/2021-11-15/functions/Java/response-streaming-invocations"
            assert b"Function not found" in await asyncio.to_thread(post, emulator.lambda_api, call, b"{}")

        known = "python3.10, python3.11, python3.12, python3.13, python3.14"
        built = "run `sam build`, and serve .aws-sam/build/template.yaml"
        brought = f"one that a layer brings is started with {WRAPPER}"
        assert sorted(told.said) == [
            f"Bundled is not served: its BuildMethod is esbuild: {built}",
            f"Java is not served: the emulator has no runtime for java21; {brought}",
            f"Old is not served: there is no Python runtime 'python2.7' on Lambda; there are {known}",
        ]

    run(main())


def test_a_runtime_that_is_not_here_is_started_by_its_wrapper(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(path.read_text().replace(f"Runtime: {RUNTIME}", "Runtime: java21"))

    async def main() -> None:
        async with Told(path).emulator as emulator:
            call = "/2021-11-15/functions/first/response-streaming-invocations"
            asked = json.dumps(SAY_PROCESS).encode()
            assert b"PayloadChunk" in await asyncio.to_thread(post, emulator.lambda_api, call, asked)

    run(main())


def test_a_template_of_which_nothing_can_be_served_fails_the_start(tmp_path: Path, scratch: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(path.read_text().replace(f"Runtime: {RUNTIME}", "Runtime: python2.7"))

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
    """The second of three ports in a row, which is in use."""
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


def test_a_function_whose_layer_cannot_be_built_is_reported_and_the_others_are_served(tmp_path: Path) -> None:
    resources = f"""
  Broken:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: broken}}
  Third:
{FUNCTION}      Layers: [!Ref Broken]
      FunctionUrlConfig: {{AuthType: NONE}}
  Fourth:
{FUNCTION}      Layers: [!Ref Broken]
"""
    path = write_template(tmp_path, resources)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Makefile").write_text("build-Broken:\n\tfalse\n")

    async def main() -> None:
        port = free_ports(4)
        told = Told(path, port)
        async with told.emulator as emulator:
            assert list(emulator.urls) == ["first", "Second"]
            with pytest.raises(ConnectionRefusedError):
                await asyncio.to_thread(post, f"http://127.0.0.1:{port + 3}", "/", b"")
        assert [said.partition(":")[0] for said in told.said] == ["Third is not served", "Fourth is not served"]
        assert all("the layer Broken: `make build-Broken` failed" in said for said in told.said)

    run(main())


def test_a_pool_that_fails_to_stop_leaves_nothing_open(
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


# --- another template ------------------------------------------------------------------------------------------------

THIRD = "  Third:\n" + FUNCTION + "      FunctionUrlConfig: {InvokeMode: RESPONSE_STREAM}\n"


def test_what_stays_keeps_its_port_and_process_and_what_is_new_gets_the_next_free_port(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    before = path.read_text()
    call = "/2021-11-15/functions/first/response-streaming-invocations"
    ask = json.dumps(SAY_PROCESS).encode()

    async def main() -> None:
        port = free_ports(5)
        told = Told(path, port)
        async with told.emulator as emulator:
            process = await asyncio.to_thread(post, emulator.lambda_api, call, ask)
            second = emulator.urls["Second"]
            with socket.create_server(("127.0.0.1", port + 3)):
                path.write_text(before.replace("  Second:", "  Removed:") + THIRD)
                await emulator.update(load_template(path))

            assert [urlsplit(url).port for url in emulator.urls.values()] == [port + 1, port + 4, port + 5]
            assert list(emulator.urls) == ["first", "Removed", "Third"]
            after = await asyncio.to_thread(post, emulator.lambda_api, call, ask)
            assert payload(after) == payload(process)
            with pytest.raises(ConnectionRefusedError):
                post(second, "/", b"")

    run(main())


def payload(stream: bytes) -> bytes:
    """Return the first payload of an event stream."""
    buffer: Any = EventStreamBuffer()
    buffer.add_data(stream)
    return bytes(next(iter(buffer)).payload)


def test_a_changed_function_gets_new_processes_and_its_stream_goes_on(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    os.mkfifo(tmp_path / "gate")
    finish = f"open({str(tmp_path / 'gate')!r}).read(); api.sock.sendall(b'0\\r\\n\\r\\n'); api.close()"
    call = "/2021-11-15/functions/first/response-streaming-invocations"

    async def main() -> None:
        async with Told(path).emulator as emulator:
            url = emulator.urls["first"]
            with closing(HTTPConnection(urlsplit(emulator.lambda_api).netloc, timeout=10)) as connection:
                connection.request("POST", call, json.dumps(SAY_HALF + finish).encode())
                response = await asyncio.to_thread(connection.getresponse)
                assert b"half" in await asyncio.to_thread(response.read1)

                path.write_text(path.read_text().replace("Timeout: 60", "Timeout: 61").replace('""', '"a = 1"'))
                await emulator.update(load_template(path))
                ask = json.dumps("respond(str(a).encode())").encode()
                assert payload(await asyncio.to_thread(post, emulator.lambda_api, call, ask)) == b"1"
                assert emulator.urls["first"] == url

                (tmp_path / "gate").write_text("open")
                rest = await asyncio.to_thread(response.read)
                assert b"InvokeComplete" in rest
                assert b"ErrorCode" not in rest

    run(main())


def test_a_request_on_an_open_connection_to_what_was_removed_gets_404(tmp_path: Path) -> None:
    path = write_template(tmp_path)

    async def main() -> None:
        async with Told(path).emulator as emulator:
            with closing(HTTPConnection(urlsplit(emulator.urls["Second"]).netloc, timeout=10)) as connection:

                def status() -> int:
                    connection.request("POST", "/", b"")
                    response = connection.getresponse()
                    response.read()
                    return response.status

                assert await asyncio.to_thread(status) == 502
                path.write_text(path.read_text().partition("  Second:")[0])
                await emulator.update(load_template(path))
                assert await asyncio.to_thread(status) == 404

    run(main())


def test_a_template_that_cannot_be_served_leaves_the_one_before(tmp_path: Path) -> None:
    path = write_template(tmp_path)

    async def main() -> None:
        async with Told(path).emulator as emulator:
            urls = dict(emulator.urls)
            text = (path.read_text() + THIRD).replace(RUNTIME, "ruby3.4").replace("AWS_LAMBDA_EXEC_WRAPPER", "WRAPPER")
            path.write_text(text)
            with pytest.raises(TemplateError, match="no function that can be served"):
                await emulator.update(load_template(path))
            assert emulator.urls == urls
            assert await asyncio.to_thread(post, urls["Second"], "/", b"") == b"Internal Server Error"

    run(main())
