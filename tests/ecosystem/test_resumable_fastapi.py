"""Resumable streams as bodies of FastAPI's own response, where the request is that of the invocation."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from lambda_streamify import asgi, resumable, sse, testing
from lambda_streamify.resume import MemoryStore

store = MemoryStore()
app = FastAPI()


def words() -> Iterator[str]:
    yield from ("one", "two", "three")


async def async_words() -> AsyncIterator[str]:
    for word in words():
        yield word


@app.get("/sync")
def sync_stream() -> StreamingResponse:
    return StreamingResponse(resumable(sse.events(words()), store, key="sync"), media_type="text/event-stream")


@app.get("/async")
async def async_stream() -> StreamingResponse:
    return StreamingResponse(resumable(sse.events(async_words()), store, key="async"), media_type="text/event-stream")


def get(path: str, last_event_id: str = "") -> str:
    http = {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}
    event: dict[str, Any] = {
        "requestContext": {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": http},
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "example", **({"last-event-id": last_event_id} if last_event_id else {})},
    }
    return testing.call(asgi.handler(app, lifespan="off"), event).text


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_a_client_that_comes_back_gets_what_it_missed(path: str) -> None:
    whole = get(path)
    first, second, third = (line[4:] for line in whole.splitlines() if line.startswith("id: "))

    assert get(path) == whole
    assert get(path, first) == whole[whole.index(f"id: {second}") :]
    assert get(path, second) == f"id: {third}\ndata: three\n\n"
    assert get(path, third) == ""
