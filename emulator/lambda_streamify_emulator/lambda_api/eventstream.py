"""Amazon's event stream encoding, the body of InvokeWithResponseStream.

Source: the AWS SDKs' "Amazon event stream" encoding. Lengths and checksums are big-endian, 4 bytes each; a header is
its name, the type 7 (string) and its value.
"""

import json
import struct
from zlib import crc32

from ..invocations.channel import FunctionError

CONTENT_TYPE = "application/vnd.amazon.eventstream"


def payload_chunk(data: bytes) -> bytes:
    """Return a PayloadChunk event."""
    return _event("PayloadChunk", "application/octet-stream", data)


def invoke_complete(error: FunctionError | None, log_result: str | None = None) -> bytes:
    """Return the InvokeComplete event, the last of a stream. `log_result` is the end of the log in base64, if any."""
    outcome = {}
    if error is not None:
        outcome = {"ErrorCode": error.error_type, "ErrorDetails": error.details.decode("utf-8", "replace")}
    if log_result is not None:
        outcome["LogResult"] = log_result
    return _event("InvokeComplete", "application/json", json.dumps(outcome).encode())


def _event(event_type: str, content_type: str, payload: bytes) -> bytes:
    fields = ((":message-type", "event"), (":event-type", event_type), (":content-type", content_type))
    headers = b"".join(_header(name, value) for name, value in fields)
    lengths = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(encoded)) + encoded
