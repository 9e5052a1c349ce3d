"""A stream on the terminal: each event the moment it comes, with its time beside it."""

import json
from collections.abc import Iterator
from typing import Any

from . import terminal
from .recording import BASE64, END, ERROR, HEAD, TEXT, Event


def show(events: Iterator[Event], *, as_json: bool) -> bool:
    """Print events as they come; returns whether the stream ended well."""
    succeeded = True
    for event in events:
        succeeded = succeeded and event.code != ERROR
        if as_json:
            print(json.dumps(list(event), ensure_ascii=False), flush=True)  # noqa: T201
        else:
            _show(event.time / 1_000_000, event)
    return succeeded


def _show(seconds: float, event: Event) -> None:
    data: Any = event.data
    if event.code == HEAD:
        fields = [*data["headers"].items(), *(("set-cookie", cookie) for cookie in data["cookies"])]
        headers = "".join(f"\n{name}: {value}" for name, value in fields)
        terminal.chunk(seconds, f"HTTP {data['status_code']}{headers}")
    elif event.code == TEXT:
        terminal.chunk(seconds, data)
    elif event.code == BASE64:
        terminal.chunk(seconds, f"{len(event.chunk or b'')} bytes")
    elif event.code == ERROR:
        terminal.complain(f"after {seconds:.3f} s: {data['type']}: {data['message']}")
    elif event.code == END:
        terminal.say(f"{seconds:8.3f} s  {data['chunks']} chunks, {data['bytes']} bytes")
