"""What the layer is asked to do, one case a request: `?case=NAME`."""

import time
from collections.abc import Iterator
from typing import Any


def events(gap: float, count: int, size: int) -> Iterator[str]:
    for number in range(count):
        yield f"{number:<{size - 1}}\n"
        time.sleep(gap)


def broken() -> Iterator[str]:
    yield "begun\n"
    raise ValueError("broken on purpose")


def late(seconds: float) -> Iterator[str]:
    yield "begun\n"
    time.sleep(seconds)
    yield "never seen\n"


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    case = event["queryStringParameters"]["case"]
    if case == "fails":
        raise ValueError("broken on purpose")
    if case == "hangs":
        time.sleep(10)
    bodies: dict[str, Iterator[str]] = {
        "seconds": events(0.5, 5, 20),
        "events": events(0.02, 50, 50),
        "empty": iter(()),
        "breaks": broken(),
        "late": late(10),
    }
    if case in bodies:
        return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": bodies[case]}
    return {"statusCode": 200, "body": {name: event.get(name) for name in ("isBase64Encoded", "headers", "cookies")}}
