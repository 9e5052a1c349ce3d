"""Prints a stream: each event with its time as soon as it arrives, and a sparkline at the end."""

import json
from collections.abc import Iterator
from typing import Any

from ..recordings.histogram import Histogram
from ..recordings.recording import BASE64, END, ERROR, HEAD, TEXT, Event
from ..recordings.timeline import Meter, pluralize
from . import terminal
from .sparkline import sparkline
from .terminal import json_line

SERVER_ERROR = 500  # the first status that blames the server (RFC 9110, section 15.6)


def show(events: Iterator[Event], *, as_json: bool, timeline: bool = False, raw: bool = False) -> bool:
    """Print events as they arrive; return whether the stream ended without an error, and its status is not a 5xx.

    With `timeline`, the figures follow: as a sparkline or, with `as_json`, as a JSON object. With `raw`, control
    characters are printed as they are.
    """
    meter, histogram = Meter(), Histogram()
    succeeded = True
    try:
        for event in events:
            succeeded = succeeded and not _is_failure(event)
            if as_json:
                print(json_line(list(event)), flush=True)  # noqa: T201
            else:
                _show(event.time / 1_000_000, event, raw=raw)
            if timeline:
                chunk = meter.add(event)
                if chunk:
                    histogram.add(event.time, len(chunk))
    finally:  # also for what arrived of a stream that broke
        if timeline:
            _show_timeline(meter, histogram, as_json=as_json)
    return succeeded


def _is_failure(event: Event) -> bool:
    return event.code == ERROR or (event.code == HEAD and event.data["status_code"] >= SERVER_ERROR)


def _show_timeline(meter: Meter, histogram: Histogram, *, as_json: bool) -> None:
    figures = meter.timeline()
    if as_json:
        print(json.dumps({"timeline": figures.as_dict()}), flush=True)  # noqa: T201
    elif figures.total:
        width, glyphs = terminal.sparkline_room()
        terminal.print_sparkline(sparkline(figures, histogram, width, glyphs), glyphs)


def _show(seconds: float, event: Event, *, raw: bool) -> None:
    data: Any = event.data
    if event.code == HEAD:
        fields = [*data["headers"].items(), *(("set-cookie", cookie) for cookie in data["cookies"])]
        headers = "".join(f"\n{name}: {value}" for name, value in fields)
        terminal.chunk(seconds, f"HTTP {data['status_code']}{headers}", raw=raw)
    elif event.code == TEXT:
        terminal.chunk(seconds, data, raw=raw)
    elif event.code == BASE64:
        terminal.chunk(seconds, pluralize(len(event.chunk or b""), "byte"))
    elif event.code == ERROR:
        terminal.complain(f"after {seconds:.3f} s: {data['type']}: {data['message']}")
    elif event.code == END:
        terminal.say(f"{seconds:8.3f} s  {pluralize(data['chunks'], 'chunk')}, {pluralize(data['bytes'], 'byte')}")
