"""Streams under Powertools' three decorators. The event names one, and whether it fails after a chunk."""

import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.buffer import LoggerBufferConfig
from aws_lambda_powertools.metrics import MetricUnit

from lambda_streamify import open_stream, streaming

logger = Logger(service="words", level="INFO", buffer_config=LoggerBufferConfig(buffer_at_verbosity="DEBUG"))
tracer = Tracer(service="words")
metrics = Metrics(namespace="Words", service="words")


class Broken(Exception):
    pass


def mark(text: str) -> None:
    """Leave a mark where the logs and metrics go, and one where the traces go."""
    print(text)  # noqa: T201
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.sendto(text.encode(), (host, int(port)))


def chunks(event: Any) -> Iterator[str]:
    logger.append_keys(phase="streaming")
    logger.debug("kept back")
    logger.info("while it streams")
    metrics.add_metric(name="Chunks", unit=MetricUnit.Count, value=1)
    yield "one"
    if "fail" in event:
        raise Broken("midway")
    with tracer.provider.in_subsegment("## work"):
        metrics.add_metric(name="Chunks", unit=MetricUnit.Count, value=1)
    yield "two"
    mark("last chunk")


def generator(event: Any, _context: Any) -> Iterator[str]:
    return chunks(event)


async def async_generator(event: Any, _context: Any) -> AsyncIterator[str]:
    for chunk in chunks(event):
        yield chunk


def written(event: Any, _context: Any) -> None:
    with open_stream() as out:
        for chunk in chunks(event):
            out.write(chunk)


def silent(_event: Any, _context: Any) -> Iterator[str]:
    yield from ("one", "two")


def watched(handler: Any, *, raise_on_empty_metrics: bool = False, capture_response: bool = True) -> Any:
    """Decorate as Powertools' documentation does."""
    handler = metrics.log_metrics(handler, raise_on_empty_metrics=raise_on_empty_metrics)
    handler = tracer.capture_lambda_handler(handler, capture_response=capture_response)
    return logger.inject_lambda_context(handler, clear_state=True, flush_buffer_on_uncaught_error=True)


HANDLERS = {
    "generator": watched(streaming(generator)),
    "async generator": watched(streaming(async_generator)),
    "written": watched(written),
    "without @streaming": watched(generator, capture_response=False),
    "without @streaming, response captured": watched(silent),
    "without metrics": watched(streaming(silent), raise_on_empty_metrics=True),
    "without metrics and @streaming": watched(silent, raise_on_empty_metrics=True),
    "plain": lambda _event, _context: "plain",
}


def handler(event: Any, context: Any) -> Any:
    """Leave it to the handler that the event names."""
    return HANDLERS[event["handler"]](event, context)
