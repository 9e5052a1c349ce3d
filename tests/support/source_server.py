"""A service that streams: it sends one piece of its answer, and holds the next one back until the test has read it."""

import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from zlib import crc32

from gated_service import GatedService, QuietHandler, running


class Answer(NamedTuple):
    """What the service answers to one path.

    With `length` it tells how long the body is, and sends no HTTP chunks; with `cut` it hangs up before the last one.
    """

    content_type: str
    pieces: Sequence[bytes]
    status: int = 200
    length: bool = False
    cut: bool = False


class SourceServer(GatedService):
    """`requests` are the bodies that it was sent, in order. Each `release` lets one more piece go."""

    def __init__(self, answers: dict[str, Answer], host: str = "127.0.0.1") -> None:
        requests = self.requests = list[bytes]()
        wait = self.wait

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                requests.append(self.rfile.read(int(self.headers.get("content-length", 0))))
                answer = answers[self.path.partition("?")[0]]
                self.send_response(answer.status)
                self.send_header("content-type", answer.content_type)
                if answer.length:
                    self.send_header("content-length", str(sum(map(len, answer.pieces))))
                else:
                    self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for number, piece in enumerate(answer.pieces):
                    if number:
                        wait(f"nobody has read the piece before {piece!r}")
                    self.wfile.write(piece if answer.length else b"%x\r\n%b\r\n" % (len(piece), piece))
                if answer.cut:
                    self.close_connection = True
                elif not answer.length:
                    self.wfile.write(b"0\r\n\r\n")

            do_POST = do_GET  # noqa: N815 - http.server's name

        super().__init__(Handler, host)


@contextmanager
def serving(answers: dict[str, Answer], host: str = "127.0.0.1") -> Iterator[SourceServer]:
    """Serve for the length of the block, at an address of this machine."""
    with running(SourceServer(answers, host)) as server:
        yield server


# --- how the services write ------------------------------------------------------------------------------------------


def aws_event(event_type: str, fields: dict[str, Any], kind: str = "event") -> bytes:
    """Return one message of Amazon's event stream encoding, as Bedrock sends it.

    Source: the AWS SDKs' "Amazon event stream" encoding; numbers are big-endian, a header's value has the type 7.
    """
    payload = json.dumps(fields).encode()
    names = {f":{kind}-type": event_type, ":content-type": "application/json", ":message-type": kind}
    headers = b"".join(
        bytes((len(name),)) + name.encode() + b"\7" + struct.pack(">H", len(value)) + value.encode()
        for name, value in names.items()
    )
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def server_sent_event(fields: dict[str, Any] | str, event: str = "") -> bytes:
    """Return one event as the APIs of OpenAI and Anthropic write it."""
    data = fields if isinstance(fields, str) else json.dumps(fields)
    return (f"event: {event}\n" if event else "").encode() + f"data: {data}\n\n".encode()
