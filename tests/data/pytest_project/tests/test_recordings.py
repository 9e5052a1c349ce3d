"""Tests of what reads a stream, on recordings: no server, no emulator."""

import json

import pytest


def tokens(chunks):
    """Yield the tokens of a chat, from chunks that may be cut anywhere."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while b"\n\n" in buffer:
            event, buffer = buffer.split(b"\n\n", 1)
            yield json.loads(event.removeprefix(b"data: "))["token"]


def test_tokens_come_one_by_one(stream_recording):
    assert "".join(tokens(stream_recording("recordings/chat.ndjson"))) == "Once upon a time"


def test_events_tell_when_chunks_came(stream_recording):
    replay = stream_recording("recordings/chat.ndjson", mode="virtual")

    assert [event.time for event in replay.events() if event.chunk] == [41_380, 92_114, 2_093_377, 2_101_522]
    assert replay.clock.now() == 2.10179


def test_each_token_is_out_before_the_next_chunk_comes(stream_recording):
    replay = stream_recording("recordings/chat.ndjson", mode="lockstep")
    reading = tokens(replay)

    for token in ["Once", " upon", " a", " time"]:
        assert next(reading) == token  # the next chunk is not there yet
        replay.release()


def test_a_recording_is_what_boto3_returns(stream_recording):
    events = list(stream_recording("recordings/chat.ndjson").as_event_stream()["EventStream"])

    assert events[-1] == {"InvokeComplete": {}}


@pytest.mark.asyncio
async def test_a_recording_is_an_async_iterator(stream_recording):
    chunks = [chunk async for chunk in stream_recording("recordings/chat.ndjson")]

    assert "".join(tokens(chunks)) == "Once upon a time"


@pytest.mark.asyncio
async def test_functions_can_be_used_in_coroutines(streamify):
    streamify.get("story").assert_streamed()


@pytest.mark.parametrize("number", range(100))
def test_many(stream_recording, number):
    assert "".join(tokens(stream_recording("recordings/chat.ndjson"))) == "Once upon a time"
