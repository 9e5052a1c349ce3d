"""The function of the fault matrix: its event names a fault, and the place in the stream where it strikes."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from typing import Any

HELD_S = 60  # far beyond the function's own timeout
TOO_MUCH = 400 * 1024 * 1024  # bytes, beyond the function's MemorySize


def gate(asked: dict[str, Any]) -> None:
    """Wait until the test lets it go on, if there is a gate: see tests/support/gate.py."""
    if "gate" not in asked:
        return
    host, _, port = asked["gate"].rpartition(":")
    with create_connection((host, int(port))) as connection:
        connection.sendall(b"?")
        connection.recv(1)


def strike(asked: dict[str, Any]) -> None:
    """Do what the fault is."""
    gate(asked)
    fault = asked.get("fault")
    if fault == "raises":
        raise ValueError("struck")
    if fault == "exits":
        os._exit(3)
    if fault == "quits":
        sys.exit(3)
    if fault == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "times out":
        time.sleep(HELD_S)
    if fault == "takes memory":
        held = b"x" * TOO_MUCH
        time.sleep(HELD_S)
        del held


def struck(asked: dict[str, Any], place: str) -> Iterator[object]:
    if asked["place"] == place:
        strike(asked)
        if asked.get("fault") == "wrong type":
            yield 7


def body(asked: dict[str, Any]) -> Iterator[object]:
    yield from struck(asked, "before")
    yield "first\n"
    yield from struck(asked, "middle")
    yield "second\n"
    if asked["place"] == "large":
        threading.Thread(target=strike, args=(asked,), daemon=True).start()
    if "large" in asked:
        yield b"x" * int(asked["large"])
    yield "last\n"
    yield from struck(asked, "end")


def handler(event: dict[str, Any], _context: object) -> object:
    asked = event if "place" in event else event["queryStringParameters"]
    if asked["place"] == "none":
        return {"statusCode": 200, "body": iter([str(os.getpid())])}
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body(asked)}


at_import = Path(os.environ["AT_IMPORT"])
if at_import.exists():
    strike(json.loads(at_import.read_text()))
