"""FastMCP's streamable HTTP under `asgi.handler`."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastmcp import Context, FastMCP

from asgi_service import Service, serving
from http_events import url_event
from lambda_streamify import asgi, testing
from lambda_streamify._core import current
from scripted_api import ACCEPTED, WAIT, Peer

VERSION = "2025-06-18"
CLIENT = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


def call(method: str, parameters: dict[str, Any], **headers: str) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return url_event("/mcp", method="POST", headers={**HEADERS, **headers}, body=json.dumps(message).encode())


def call_tool(name: str, **arguments: Any) -> dict[str, Any]:
    parameters = {"name": name, "arguments": arguments, "_meta": {"progressToken": "token"}}
    return call("tools/call", parameters, **{"mcp-protocol-version": VERSION})


def messages(content: bytes) -> list[Any]:
    """Return the JSON of each event."""
    lines = [line for line in content.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


@pytest.fixture
def server() -> FastMCP:
    return FastMCP("test")


@pytest.fixture
def service(server: FastMCP) -> Iterator[Service]:
    with serving(server.http_app(stateless_http=True)) as service:
        yield service


def test_a_client_is_greeted_and_told_which_tools_there_are(server: FastMCP, service: Service) -> None:
    @server.tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    greeting = service.answer(call("initialize", CLIENT))
    tools = service.answer(call("tools/list", {}, **{"mcp-protocol-version": VERSION}))

    assert greeting.prelude["headers"]["content-type"] == "text/event-stream"
    assert messages(greeting.content)[0]["result"]["serverInfo"]["name"] == "test"
    assert [tool["name"] for tool in messages(tools.content)[0]["result"]["tools"]] == ["add"]


def test_progress_arrives_while_the_tool_still_works(server: FastMCP, service: Service) -> None:
    read = threading.Event()

    def script(peer: Peer) -> None:
        event = peer.read_until(b"\r\n\r\n\r\n")
        assert b"notifications/progress" in event
        read.set()
        result = peer.read_chunked_body()
        assert b'"text":"done"' in result
        peer.send(ACCEPTED)

    @server.tool
    async def work(ctx: Context) -> str:
        await ctx.report_progress(1, 2)
        assert await asyncio.to_thread(read.wait, WAIT), "nobody has read the progress"
        return "done"

    assert service.scripted(script, call_tool("work")).errors == []


def test_an_error_of_a_tool_is_an_answer(server: FastMCP, service: Service) -> None:
    @server.tool
    def fails() -> str:
        raise ValueError("why")

    result = messages(service.answer(call_tool("fails")).content)[-1]["result"]

    assert result["isError"]
    assert "why" in result["content"][0]["text"]


def test_one_call_follows_the_other_on_the_kept_loop(server: FastMCP, service: Service) -> None:
    @server.tool
    def double(a: int) -> int:
        return 2 * a

    results = [messages(service.answer(call_tool("double", a=number)).content)[-1]["result"] for number in range(3)]

    assert [result["structuredContent"]["result"] for result in results] == [0, 2, 4]


def test_where_nothing_is_started_ahead_each_call_starts_the_server(
    server: FastMCP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "startup", [])
    monkeypatch.setattr(current, "shutdown", [])
    handler = asgi.handler(server.http_app(stateless_http=True))

    for _ in range(2):
        greeting = testing.call(handler, call("initialize", CLIENT))
        assert messages(greeting.body)[0]["result"]["serverInfo"]["name"] == "test"
