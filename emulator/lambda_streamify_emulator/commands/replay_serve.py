"""`streamify replay`: serves a recording at a URL until it is interrupted."""

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
from ..recordings.recording import HEAD
from ..recordings.recording_file import reading
from ..recordings.timeline import Meter, format_duration, pluralize
from ..replays.playback import without_hidden
from ..replays.replay import Mode, Replay, prelude
from ..replays.replay_url import ReplayUrl
from ..terminal import terminal
from ..web.host_check import HostCheck
from ..web.web_server import WebServer, listen

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ..recordings.timeline import Timeline
    from ..replays.faults import Faults


async def serve(
    path: Path, *, host: str, port: int, names: Collection[str], faults: Faults, instant: bool, as_json: bool
) -> None:
    """Serve the recording at `path` until a signal comes. A request's Host must be one of `names`."""
    timeline, hidden = check_recording(path)
    faults.check(timeline.chunks)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    # uvicorn would log a connection that breaks on purpose as an error of the application.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    url = ReplayUrl(Replay(path, mode=Mode.INSTANT if instant else Mode.REAL, faults=faults), terminal.say)
    listening = listen(host, port, "the replay")
    server = WebServer({listening: HostCheck(url, names, own_pages_only=False)})
    await server.start()
    try:
        _announce(path, _address(host, listening.getsockname()[1]), timeline, hidden, faults, as_json=as_json)
        if not _is_loopback(host):
            terminal.say(f"listening on {host}: anyone who can reach this machine can read the recording")
        await stopped.wait()
    finally:
        url.stop()
        await server.stop()


def check_recording(path: Path) -> tuple[Timeline, list[str]]:
    """Check every line of a recording; return its figures, and the names of its hidden headers and cookies."""
    meter, hidden = Meter(), list[str]()
    with reading(path) as reader:
        for event in reader:
            meter.add(event)
            if event.code == HEAD:
                _, hidden = without_hidden(event.data)
                try:
                    preludes.parse(prelude(event.data).removesuffix(preludes.DELIMITER))
                except PreludeError as error:
                    raise RecordingFileError(f"{path}: {error}") from error
    return meter.timeline(), hidden


def _announce(path: Path, url: str, timeline: Timeline, hidden: list[str], faults: Faults, *, as_json: bool) -> None:
    if as_json:
        fields: dict[str, Any] = {"url": url, "seed": faults.seed, "faults": asdict(faults), "left_out": hidden}
        print(json.dumps({**fields, "timeline": timeline.as_dict()}), flush=True)  # noqa: T201
        return
    terminal.OUT.print(url)
    size = f"{pluralize(timeline.chunks, 'chunk')}, {pluralize(timeline.bytes, 'byte')}"
    terminal.say(f"{path}: {size}, {format_duration(timeline.total)}; seed {faults.seed}")
    if timeline.reason is None:
        terminal.say("the recording was cut, so it has no end: its replay ends normally after the last event")
    if timeline.lost:
        terminal.say(
            f"{timeline.lost} chunks are missing, because the disk was slower than the stream during recording"
        )
    if hidden:
        terminal.say(f"omitted, because their values were not recorded: {', '.join(hidden)}")
    terminal.say(f"try: curl -N {url}")


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
