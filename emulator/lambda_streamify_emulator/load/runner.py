"""`streamify load`: reads many streams of one URL at the same time. Locust does it, in a separate process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import LoadError
from ..recordings.timeline import format_duration
from ..terminal import terminal
from .figures import COMPLETE, FAILURES, MEASURES, NO_ANSWER, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

PIP_LINE = "pip install 'lambda-streamify[load]'"
WEB_PORT = 8089  # Locust's default
PROGRAM = ("-m", f"{__package__}.process")
STREAM_END_TIMEOUT_S = 10  # for streams that are still running after the duration of the test
PROCESS_OVERHEAD_LIMIT_S = 60  # for the process to start and exit, in addition to the duration of the test


def check_installed() -> None:
    """Raise LoadError, with the pip command, if Locust is not installed."""
    if find_spec("locust") is None:
        raise LoadError(f"streamify load needs Locust: {PIP_LINE}")


def check_free(port: int) -> None:
    """Raise LoadError if the port of Locust's page is not available. Locust itself would only skip the page."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise LoadError(f"port {port} for Locust's page is not available: {reason}; free it, or omit --web") from error


def load(plan: Mapping[str, Any], *, as_json: bool) -> bool:
    """Run the plan and print the figures; return whether every stream was complete.

    The plan has `url`, `method`, `headers` and `body` (text or None; surrogates stand for bytes that are no UTF-8),
    `users`, `spawn_rate` (users per second), `duration` and `grace` (seconds), and `web` (the port of Locust's page, or
    None).
    """
    figures: dict[str, Any] = {}
    for figures in running(plan):
        if not as_json:
            terminal.say(progress(figures))
    if as_json:
        print(json.dumps(figures))  # noqa: T201
    else:
        for line in table(figures):
            terminal.OUT.print(line, markup=False)
    outcomes = figures["outcomes"]
    if outcomes[NO_ANSWER] and outcomes[NO_ANSWER] == figures["streams"]:
        raise LoadError(next(iter(figures["failures"])))
    return not any(outcomes[outcome] for outcome in FAILURES) and outcomes[COMPLETE] > 0


def running(plan: Mapping[str, Any], program: Sequence[str] = PROGRAM) -> Generator[dict[str, Any], None, None]:
    """Yield the figures during the test. Ctrl-C ends it early; a second Ctrl-C ends it at once."""
    process = subprocess.Popen(
        [sys.executable, *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C reaches only this process, which passes it on
    )
    assert process.stdin is not None
    assert process.stdout is not None
    interrupted = last = None

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        process.send_signal(signal.SIGINT)
        terminal.say(
            f"ending: running streams have {plan['grace']} seconds to finish; press Ctrl-C again to end them now"
        )

    before = signal.signal(signal.SIGINT, interrupt)
    watchdog = threading.Timer(plan["duration"] + PROCESS_OVERHEAD_LIMIT_S, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        with process.stdin:
            json.dump(plan, process.stdin)
        for line in process.stdout:
            last = json.loads(line)
            yield last
    finally:
        signal.signal(signal.SIGINT, before)
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    if last is None:
        if interrupted:
            raise KeyboardInterrupt
        raise LoadError("Locust did not start: its own message is above")


def progress(figures: Mapping[str, Any]) -> str:
    """Return the figures so far in one line."""
    failed = sum(figures["outcomes"][outcome] for outcome in FAILURES)
    first_byte = (figures["first_byte"] or {}).get("p50")
    return (
        f"{figures['seconds']:4.0f} s  {figures['streams']:,} streams, {failed:,} failed, "
        f"first byte p50 {format_duration(first_byte)}"
    )


def table(figures: Mapping[str, Any]) -> list[str]:
    """Return the figures as a table for people."""
    columns = ("p50", "p95", "p99", "max")
    lines = [" " * 12 + "".join(f"{column:>12}" for column in columns)]
    for name in MEASURES:
        spread = figures[name.replace(" ", "_")] or {}
        formatted = str if name == "chunks" else format_duration
        cells = [formatted(spread[column]) if column in spread else "-" for column in columns]
        lines.append(f"{name:12}" + "".join(f"{cell:>12}" for cell in cells))
    counts = [f"{figures['outcomes'][outcome]:,} {outcome}" for outcome in OUTCOMES if figures["outcomes"][outcome]]
    rate = f"{figures['streams_per_second']:,.1f} per second, {figures['bytes']:,} bytes"
    lines += ["", f"{figures['streams']:,} streams in {figures['seconds']:.1f} s, {rate}", ", ".join(counts)]
    lines += [f"{count:>8,}  {reason}" for reason, count in figures["failures"].items()]
    return lines
