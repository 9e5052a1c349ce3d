"""Handlers whose bodies make a span for each chunk, submit a metric and print a line."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from datadog_lambda.metric import lambda_metric
from datadog_lambda.wrapper import datadog_lambda_wrapper
from ddtrace.trace import tracer

from lambda_streamify import open_stream, streaming


class Broken(Exception):
    pass


def chunks(event: Any) -> Iterator[str]:
    for word in ("one", "two"):
        with tracer.trace(word):
            yield word
    lambda_metric("words", 2)
    print("the body ends")  # noqa: T201 - the tests look for this line
    if "fail" in event:
        raise Broken("midway")


async def async_chunks(event: Any) -> AsyncIterator[str]:
    for word in chunks(event):
        yield word


def sync_handler(event: Any) -> Any:
    return {"statusCode": 201, "body": chunks(event)}


async def async_handler(event: Any) -> Any:
    return {"statusCode": 201, "body": async_chunks(event)}


def bare_handler(event: Any) -> Any:
    return chunks(event)


def writing_handler(event: Any) -> None:
    out = open_stream(201)
    for word in chunks(event):
        out.write(word)


HANDLERS = {"sync": sync_handler, "async": async_handler, "bare": bare_handler, "writing": writing_handler}


def plain(event: Any, _context: Any) -> Any:
    return HANDLERS[event["how"]](event)


streamed = streaming(plain)
wrapped_plain = datadog_lambda_wrapper(plain)
wrapped_streamed = datadog_lambda_wrapper(streamed)


@streaming
def sync_streamed(event: Any, _context: Any) -> Any:
    return sync_handler(event)
