"""`streamify replay`: a recording behind a URL in the foreground, until it is interrupted."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..errors import PreludeError, RecordingFileError
from ..invocations import prelude as preludes
from ..recordings.playback import without_hidden
from ..recordings.recording import HEAD
from ..recordings.recording_file import reading
from ..recordings.replay import Mode, Replay, prelude
from ..recordings.replay_url import ReplayUrl
from ..recordings.timeline import Meter, counted, in_words
from ..web.web_server import WebServer, listen
from . import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ..recordings.faults import Faults
    from ..recordings.timeline import Timeline


async def serve(path: Path, *, host: str, port: int, faults: Faults, instant: bool, as_json: bool) -> None:
    """Serve the recording at `path` until a signal comes."""
    timeline, left_out = look_through(path)
    faults.check(timeline.chunks)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    # A connection that is to break is, to uvicorn, an application's mistake.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    url = ReplayUrl(Replay(path, mode=Mode.INSTANT if instant else Mode.REAL, faults=faults), terminal.say)
    listening = listen(host, port, "the replay")
    server = WebServer({listening: url})
    await server.start()
    try:
        _announce(path, _address(host, listening.getsockname()[1]), timeline, left_out, faults, as_json=as_json)
        if not _is_loopback(host):
            terminal.say(f"listening on {host}: everybody who reaches this machine can read the recording")
        await stopped.wait()
    finally:
        url.stop()
        await server.stop()


def look_through(path: Path) -> tuple[Timeline, list[str]]:
    """The figures of a recording, all of whose lines are right, and the names of what it does not have values of."""
    meter, left_out = Meter(), list[str]()
    with reading(path) as reader:
        for event in reader:
            meter.add(event)
            if event.code == HEAD:
                _, left_out = without_hidden(event.data)
                try:
                    preludes.parse(prelude(event.data).removesuffix(preludes.DELIMITER))
                except PreludeError as error:
                    raise RecordingFileError(f"{path}: {error}") from error
    return meter.timeline(), left_out


def _announce(path: Path, url: str, timeline: Timeline, left_out: list[str], faults: Faults, *, as_json: bool) -> None:
    if as_json:
        fields: dict[str, Any] = {"url": url, "seed": faults.seed, "faults": asdict(faults), "left_out": left_out}
        print(json.dumps({**fields, "timeline": timeline.as_dict()}), flush=True)  # noqa: T201
        return
    terminal.OUT.print(url)
    figures = f"{counted(timeline.chunks, 'chunk')}, {counted(timeline.bytes, 'byte')}, {in_words(timeline.total)}"
    terminal.say(f"{path}: {figures}; seed {faults.seed}")
    if timeline.reason is None:
        terminal.say("the recording has no end: it was cut itself, and its replay ends there in good order")
    if timeline.lost:
        terminal.say(f"{timeline.lost} chunks are missing: the disk was slower than the stream when it was recorded")
    if left_out:
        terminal.say(f"left out, as their values were not recorded: {', '.join(left_out)}")
    terminal.say(f"try: curl -N {url}")


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
