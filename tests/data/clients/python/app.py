"""The function that runs under AWS's client for Python. `case` in the event names what it does."""

import os
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

Event = dict[str, Any]


def handler(event: Event, context: Any) -> object:
    return CASES[event.get("case", "url")](event, context)


def value(event: Event, _context: object) -> object:
    return event["value"]


def url(event: Event, _context: object) -> object:
    return {"path": event["rawPath"]}


def raises(event: Event, _context: object) -> object:
    raise ValueError(event["message"])


def exits(event: Event, _context: object) -> object:
    os._exit(event["status"])


def quits(event: Event, _context: object) -> object:
    sys.exit(event["status"])


def kills(event: Event, _context: object) -> object:
    os.kill(os.getpid(), event["status"])
    signal.pause()
    return None


def sized(event: Event, _context: object) -> str:
    return "x" * int(event["size"])


def hangs(_event: Event, _context: object) -> object:
    sys.stdout.write("hangs\n")
    signal.pause()
    return None


def process(_event: Event, _context: object) -> int:
    return os.getpid()


def generator(_event: Event, _context: object) -> Iterator[str]:
    yield "a stream, which this client does not know"


def said(_event: Event, context: Any) -> object:
    client = context.client_context
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "tenant_id": context.tenant_id,
        "custom": client and client.custom,
        "trace_id": os.environ["_X_AMZN_TRACE_ID"],
    }


def shared(_event: Event, _context: object) -> list[str]:
    return [import_module("shared").NAME, sys.path[0], os.environ["LAMBDA_TASK_ROOT"]]


CASES = {
    function.__name__: function
    for function in (value, url, raises, exits, quits, kills, sized, hangs, process, generator, said, shared)
}
