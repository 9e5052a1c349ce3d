"""Streams of other functions as users read them: both type checkers accept every line."""

import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import httpx

from lambda_streamify import client, errors
from lambda_streamify.client import AsyncResponse, Response, ServerSentEvent, SigV4, aread_stream, astream, stream

URL = "https://abc.lambda-url.us-east-1.on.aws/"


def chunks() -> Iterator[bytes]:
    with stream(URL, headers={"x-name": "1"}, timeout=None) as response:
        status: int = response.status_code
        kind: str | None = response.headers.get("Content-Type")
        cookies: list[str] = response.cookies
        del status, kind, cookies
        yield from response


def texts() -> Iterator[str]:
    with client.stream(URL, method="PUT", content="text", context=ssl.create_default_context()) as response:
        yield from response.raise_for_status().lines()
    with client.stream(URL, json={"prompt": "Hi"}, sign=True) as response:
        for event in response.events(until="done", reconnects=3):
            data: str = event.data
            value: dict[str, str] = event.json()
            yield data + value["token"] + event.event + event.id


def rows() -> Iterator[dict[str, Any]]:
    signed = SigV4(region="eu-west-1", service="execute-api", credentials=boto3.Session().get_credentials())
    with stream(URL, content=b"body", sign=signed) as response:
        yield from response.rows(until=lambda row: "done" in row)


def is_last(event: ServerSentEvent) -> bool:
    return event.data == "[DONE]"


def waited(seconds: float) -> None:
    del seconds


def resumed(response: Response) -> list[ServerSentEvent]:
    return list(response.events(until=is_last, reconnects=1, sleep=waited))


def by_httpx() -> bytes:
    with httpx.Client(http2=True) as own, stream(URL, client=own, last_event_id="7") as response:
        return response.read()


async def async_chunks() -> AsyncIterator[bytes]:
    async with astream(URL, sign=True) as response:
        checked: AsyncResponse = await response.raise_for_status()
        async for chunk in checked:
            yield chunk


async def async_texts() -> AsyncIterator[str]:
    async with httpx.AsyncClient() as own, astream(URL, client=own) as response:
        async for event in response.events(until="done", reconnects=3):
            yield event.data
        async for line in response.lines():
            yield line
        async for row in response.rows():
            yield str(row)


async def from_sdk(output: Any) -> bytes:
    async with aread_stream(output, prelude=False) as received:
        status: int | None = received.status_code
        del status
        return await received.read()


def caught() -> bytes:
    try:
        return stream(URL).read()
    except errors.ErrorStatus as failure:
        status: int = failure.status_code
        return failure.partial + bytes(status) + failure.headers["x-name"].encode()
    except (errors.StreamCut, errors.NoResponse) as failure:
        return failure.partial
    except errors.RequestError:
        return b""
