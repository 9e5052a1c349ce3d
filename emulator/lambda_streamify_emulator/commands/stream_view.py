"""A stream on the terminal: each event the moment it comes, with its time beside it; at the end all in a line."""

import json
from collections.abc import Iterator
from typing import Any

from ..recordings.marks import Marks
from ..recordings.recording import BASE64, END, ERROR, HEAD, TEXT, Event
from ..recordings.timeline import Meter, counted
from . import terminal
from .strip import strip


def show(events: Iterator[Event], *, as_json: bool, timeline: bool = False) -> bool:
    """Print events as they come; returns whether the stream ended well.

    With `timeline`, its figures follow: as a picture, or after the JSON arrays of the events as a JSON object.
    """
    meter, marks = Meter(), Marks()
    succeeded = True
    try:
        for event in events:
            succeeded = succeeded and event.code != ERROR
            if as_json:
                print(json.dumps(list(event), ensure_ascii=False), flush=True)  # noqa: T201
            else:
                _show(event.time / 1_000_000, event)
            if timeline:
                chunk = meter.add(event)
                if chunk:
                    marks.add(event.time, len(chunk))
    finally:  # of a stream that broke, what came of it
        if timeline:
            _show_timeline(meter, marks, as_json=as_json)
    return succeeded


def _show_timeline(meter: Meter, marks: Marks, *, as_json: bool) -> None:
    figures = meter.timeline()
    if as_json:
        print(json.dumps({"timeline": figures.as_dict()}), flush=True)  # noqa: T201
    elif figures.total:
        width, signs = terminal.room()
        terminal.picture(strip(figures, marks, width, signs), signs)


def _show(seconds: float, event: Event) -> None:
    data: Any = event.data
    if event.code == HEAD:
        fields = [*data["headers"].items(), *(("set-cookie", cookie) for cookie in data["cookies"])]
        headers = "".join(f"\n{name}: {value}" for name, value in fields)
        terminal.chunk(seconds, f"HTTP {data['status_code']}{headers}")
    elif event.code == TEXT:
        terminal.chunk(seconds, data)
    elif event.code == BASE64:
        terminal.chunk(seconds, counted(len(event.chunk or b""), "byte"))
    elif event.code == ERROR:
        terminal.complain(f"after {seconds:.3f} s: {data['type']}: {data['message']}")
    elif event.code == END:
        terminal.say(f"{seconds:8.3f} s  {counted(data['chunks'], 'chunk')}, {counted(data['bytes'], 'byte')}")
