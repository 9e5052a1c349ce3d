"""Streams of tokens, each of which the test lets go, and a page that shows them."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from socket import create_connection
from typing import Any

from lambda_streamify import Request, StreamingResponse, keepalive, resumable, sse
from lambda_streamify.resume import SQLiteStore, stop

store = SQLiteStore(os.environ["RUNS"])

PAGE = """<!doctype html>
<title>tokens</title>
<p id="tokens"></p>
<p id="state">open</p>
<script>
  const source = new EventSource("stream" + location.search)
  const tokens = document.getElementById("tokens"), state = document.getElementById("state")
  source.onmessage = (event) => { tokens.textContent += event.data + " " }
  source.addEventListener("stopped", () => { tokens.textContent += "stopped " })
  source.onopen = () => { state.textContent = "open" }
  source.onerror = () => { state.textContent = ["connecting", "open", "closed"][source.readyState] }
</script>
"""


def handler(event: dict[str, Any], _context: object) -> object:
    request = Request(event)
    if request.path == "/":
        return {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": PAGE}
    key = request.query["key"]
    if request.path == "/stop":
        return {"stopped": stop(store, key)}
    if "gate" not in request.query:
        return resumable(None, store, key=key)
    tokens = async_tokens(request.query) if request.query.get("form") == "async" else sync_tokens(request.query)
    timeout = float(request.query.get("writer_timeout", "30"))
    body = resumable(sse.events(tokens), store, key=key, writer_timeout=timeout)
    return StreamingResponse(keepalive(body), headers={"x-process": str(os.getpid())})


def sync_tokens(query: dict[str, str]) -> Iterator[sse.Event]:
    yield sse.Event(str(os.getpid()), event="process", retry=50)
    host, _, port = query["gate"].rpartition(":")
    with create_connection((host, int(port))) as gate:
        for number in range(1, int(query["count"]) + 1):
            yield sse.Event(f"token{number}")
            gate.sendall(b"?")
            if gate.recv(1) != b"!":
                raise RuntimeError("the gate is gone")


async def async_tokens(query: dict[str, str]) -> AsyncIterator[sse.Event]:
    yield sse.Event(str(os.getpid()), event="process", retry=50)
    host, _, port = query["gate"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for number in range(1, int(query["count"]) + 1):
            yield sse.Event(f"token{number}")
            writer.write(b"?")
            await reader.readexactly(1)
    finally:
        writer.close()
