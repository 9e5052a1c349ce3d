"""ASGI apps in functions, from the client's socket to the end of the process."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import starlette
from fastmcp import Client

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from url_client import request, wire

TEMPLATE = ROOT / "tests" / "data" / "asgi" / "template.yaml"
PACKAGES = ("--parameter", f"Packages={Path(starlette.__file__).parents[1]}")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("asgi"), cache, *PACKAGES, template=TEMPLATE) as emulator:
        yield emulator


def test_each_chunk_is_on_the_wire_while_the_app_blocks_its_event_loop(emulator: EmulatorProcess, gate: Gate) -> None:
    with wire(emulator.urls["web"], "/stream", gate=gate.address) as connection:
        connection.read_until(b"\r\n\r\n")
        for number in range(3):
            assert connection.read_until(b"chunk %d\n" % number)
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"\r\n0\r\n\r\n")


def test_the_client_has_the_end_while_a_background_task_works(emulator: EmulatorProcess, gate: Gate) -> None:
    with emulator.logged("the task is done"):
        assert request(emulator.urls["web"], "/background", gate=gate.address).body == b"the whole answer"
        gate.open()


def test_cookies_and_the_request_line_arrive_as_they_were_sent(emulator: EmulatorProcess) -> None:
    reply = request(emulator.urls["web"], "/cookies/a%2Fb%20c?a=1&a=%2C2", headers={"Cookie": "x=1; y=2"})

    assert reply.body == b"a/b c ['1', ',2'] {'x': '1', 'y': '2'}"
    assert [cookie.partition(";")[0] for cookie in reply.all("set-cookie")] == ["one=1", "two=2"]


def test_a_redirect_leads_to_the_port_that_the_client_has_asked(emulator: EmulatorProcess) -> None:
    url = emulator.urls["web"]

    reply = request(url, "/slash")

    assert (reply.status, reply.all("location")) == (307, [f"{url}slash/"])
    assert request(url, "/slash/").body.decode() == f"{url}slash/"


def test_a_stream_that_fails_ends_early_and_is_logged(emulator: EmulatorProcess) -> None:
    with emulator.logged("[ERROR] ValueError: midway", "Function.ValueError after the response began"):
        assert request(emulator.urls["web"], "/fails").body == b"one"


def test_an_app_that_cannot_start_is_an_error_of_init_with_what_it_said(emulator: EmulatorProcess) -> None:
    with emulator.logged("HandlerError: the app could not start", "ConnectionError: no database"):
        assert request(emulator.urls["unstartable"]).status == 502


def test_an_mcp_client_gets_progress_while_the_tool_works(emulator: EmulatorProcess, gate: Gate) -> None:
    seen: list[Any] = []

    async def progress(*reported: Any) -> None:
        seen.append(reported)
        await asyncio.to_thread(gate.open)

    async def main() -> Any:
        async with Client(f"{emulator.urls['tools']}mcp") as client:
            return await client.call_tool("work", {"gate": gate.address}, progress_handler=progress)

    assert asyncio.run(main()).data == "done"
    assert seen == [(1, 2, "half way")]


def test_the_app_starts_before_the_first_request_and_ends_with_the_process(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache, *PACKAGES, template=TEMPLATE) as emulator:
        assert request(emulator.urls["web"], "/state").body == b"1"
        before = emulator.log()
        emulator.stop()
        log = emulator.log()

    assert (before.count("the app starts"), before.count("the app ends")) == (1, 0)
    assert (log.count("the app starts"), log.count("the app ends")) == (1, 1)
