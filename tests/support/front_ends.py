"""One request through each front end of the emulator, read as bytes, and what its client makes of them."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import HTTPResponse, IncompleteRead
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.eventstream import EventStreamBuffer

from emulator_process import EmulatorProcess
from fault_matrix import FrontEnd
from fault_template import function_name
from url_client import Wire, wire

LITTLE = 64 * 1024  # bytes that the kernel keeps for a client that does not read


@dataclass(frozen=True)
class Seen:
    """What came: `whole` unless the connection broke, `error` as the front end tells it, or none."""

    status: int
    body: bytes
    whole: bool
    error: str = ""


class Door:
    """One front end of one function."""

    def __init__(self, emulator: EmulatorProcess, kind: str, front_end: FrontEnd) -> None:
        self.front_end = front_end
        self.function = function_name(kind, front_end)
        self._emulator = emulator
        self._kind = kind

    def ask(self, **asked: Any) -> AbstractContextManager[Wire]:
        """Send one request and leave reading to the block."""
        if self.front_end in (FrontEnd.SDK_STREAM, FrontEnd.SDK_INVOKE):
            path = "2021-11-15/functions/{}/response-streaming-invocations"
            if self.front_end is FrontEnd.SDK_INVOKE:
                path = "2015-03-31/functions/{}/invocations"
            body = json.dumps(asked).encode()
            return wire(
                self._emulator.lambda_api,
                f"/{path.format(self.function)}",
                receive_buffer=LITTLE,
                head=f"Content-Length: {len(body)}",
                body=body,
            )
        if self.front_end is FrontEnd.REST:
            (api,) = self._emulator.apis.values()
            return wire(api, f"{urlsplit(api).path}/{self._kind}", receive_buffer=LITTLE, **asked)
        return wire(self._emulator.urls[self.function], "/", receive_buffer=LITTLE, **asked)

    def seen(self, raw: bytes) -> Seen:
        """Return what a client makes of these bytes, which are all that came."""
        response = HTTPResponse(cast("Any", _Received(raw)))
        response.begin()
        try:
            body, whole = response.read(), True
        except IncompleteRead as error:
            body, whole = error.partial, False
        if self.front_end is FrontEnd.SDK_STREAM and response.status == 200:
            payload, complete = _events(body)
            return Seen(200, payload, whole, complete.get("ErrorCode", ""))
        return Seen(response.status, body, whole, response.headers.get("x-amz-function-error", ""))


class _Received:
    """What http.client takes for a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._raw)


def _events(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the payload of an event stream, and the last event's fields."""
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    payload, complete = b"", dict[str, str]()
    events: Any = buffer
    for event in events:
        if event.headers.get(":event-type") == "InvokeComplete":
            complete = json.loads(event.payload)
        else:
            payload += event.payload
    return payload, complete
