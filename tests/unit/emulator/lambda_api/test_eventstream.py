import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.lambda_api.eventstream import invoke_complete, payload_chunk


def decoded(*pieces: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Return the events, read by the AWS SDK's own parser, which checks lengths and checksums."""
    buffer: Any = EventStreamBuffer()
    events: list[tuple[dict[str, Any], bytes]] = []
    for piece in pieces:
        buffer.add_data(piece)
        events += [(event.headers, event.payload) for event in buffer]
    return events


CHUNK = {":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"}
COMPLETE = {":message-type": "event", ":event-type": "InvokeComplete", ":content-type": "application/json"}


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)), b"x" * 1_000_000])
def test_a_payload_chunk_is_read_by_the_sdk(data: bytes) -> None:
    assert decoded(payload_chunk(data)) == [(CHUNK, data)]


@given(st.lists(st.binary(), max_size=5), st.integers(1, 300))
def test_a_stream_is_read_by_the_sdk_however_it_is_split(chunks: list[bytes], size: int) -> None:
    stream = b"".join(map(payload_chunk, chunks)) + invoke_complete(None)

    events = decoded(*(stream[at : at + size] for at in range(0, len(stream), size)))

    assert events == [*((CHUNK, chunk) for chunk in chunks), (COMPLETE, b"{}")]


@pytest.mark.parametrize(
    ("details", "text"), [(b'{"errorMessage": "\xc3\xbc"}', '{"errorMessage": "ü"}'), (b"\xff", "�"), (b"", "")]
)
def test_an_error_is_in_the_last_event(details: bytes, text: str) -> None:
    ((headers, payload),) = decoded(invoke_complete(FunctionError("Function.ValueError", details)))

    assert headers == COMPLETE
    assert json.loads(payload) == {"ErrorCode": "Function.ValueError", "ErrorDetails": text}


def test_the_end_of_the_log_is_in_the_last_event() -> None:
    ((_, payload),) = decoded(invoke_complete(None, "aGVsbG8K"))

    assert json.loads(payload) == {"LogResult": "aGVsbG8K"}
