"""Handlers whose bodies make a span for each chunk. They know nothing of what they are instrumented with."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from opentelemetry import trace

from lambda_streamify import open_stream, streaming

tracer = trace.get_tracer("app")


class Broken(Exception):
    pass


def chunks(event: Any) -> Iterator[str]:
    for word in ("one", "two"):
        with tracer.start_as_current_span(word):
            yield word
    if "fail" in event:
        raise Broken("midway")


async def async_chunks(event: Any) -> AsyncIterator[str]:
    for word in chunks(event):
        yield word


def sync_handler(event: Any) -> Any:
    return {"statusCode": 201, "body": chunks(event)}


async def async_handler(event: Any) -> Any:
    return {"statusCode": 201, "body": async_chunks(event)}


def writing_handler(event: Any) -> None:
    out = open_stream(201)
    for word in chunks(event):
        out.write(word)


HANDLERS = {"sync": sync_handler, "async": async_handler, "writing": writing_handler}


def plain(event: Any, _context: Any) -> Any:
    return HANDLERS[event["how"]](event)


@streaming
def streamed(event: Any, _context: Any) -> Any:
    return HANDLERS[event["how"]](event)
