"""Tests of functions in the emulator, as a project has them."""

import json
from socket import create_server

import pytest

WORDS = ["Once", "upon", "a", "time"]


def test_a_url_answers_with_server_sent_events(streamify):
    result = streamify.get("story")

    assert result.status_code == 200
    assert result.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert result.cookies == ["seen=1; Path=/"]
    assert [event.json()["word"] for event in result.events] == WORDS
    assert [event.id for event in result.events] == ["0", "1", "2", "3"]
    assert result.error is None


def test_chunks_are_those_of_the_handler(streamify):
    result = streamify.get("story")

    assert result.framing == "runtime"
    assert [json.loads(chunk.decode().partition("data: ")[2])["word"] for chunk in result.chunks] == WORDS
    result.assert_streamed()


def test_a_large_chunk_is_one_chunk(streamify):
    result = streamify.post("rows", json={"rows": 3, "name": "large", "size": 1_000_000})

    assert [len(chunk) > 1_000_000 for chunk in result.chunks] == [True, True, True]
    assert [event["row"] for event in result.events] == [0, 1, 2]
    result.assert_streamed()


def test_a_direct_invocation_streams_too(streamify):
    result = streamify.invoke("story")

    assert result.chunks == streamify.get("story").chunks
    assert [event.json()["word"] for event in result.server_sent_events()] == WORDS
    result.assert_streamed()


def test_an_event_of_a_url_may_be_invoked(streamify):
    event = {"requestContext": {"domainName": "abc.lambda-url.us-east-1.on.aws", "http": {"method": "GET"}}}

    result = streamify.invoke("story", event)

    assert result.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert len(result.chunks) == 4
    result.assert_streamed()


def test_chunk_by_chunk_while_the_function_works(streamify):
    with create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with streamify.open("gated", event={"host": host, "port": port}) as stream:
            gate, _ = listener.accept()
            with gate:
                for word in WORDS:
                    assert next(stream) == f"{word} ".encode()  # the function waits, and has no other word yet
                    gate.sendall(b"!")
                assert list(stream) == []


def test_a_stream_may_be_left(streamify):
    with streamify.open("rows", "POST", json={"rows": 100, "name": "left"}) as stream:
        assert json.loads(next(stream)) == {"row": 0, "text": ""}

    assert streamify.get("story").status_code == 200


def test_two_streams_may_be_open(streamify):
    with streamify.open("story") as one, streamify.open("story") as other:
        assert next(one) == next(other)
        assert next(one) == next(other)


def test_an_error_after_the_first_chunk_is_told(streamify):
    result = streamify.get("failing")

    assert (result.status_code, result.text) == (200, "one two ")
    assert result.error == ("Function.KeyError", "'time'")
    result.assert_streamed()


def test_an_error_before_the_first_chunk_is_told(streamify):
    result = streamify.get("failing", "/at-once")

    assert result.status_code == 502
    assert result.error.message == "no"


def test_a_head_request_has_no_body(streamify):
    assert streamify.request("story", "HEAD").chunks == []


@pytest.mark.parametrize("name", ["Ada", "Grace"])
def test_logs_begin_with_the_test(streamify, name):
    assert streamify.logs == []

    streamify.post("rows", json={"rows": 2, "name": name})

    lines = [line.text for line in streamify.logs if line.function == "rows"]
    assert [line for line in lines if line.startswith("row ")] == [f"row 0 of {name}", f"row 1 of {name}"]
    assert lines[-1].startswith("REPORT ")


def test_a_response_is_recorded_and_matches_its_recording(streamify, tmp_path):
    result = streamify.get("story")
    result.save(tmp_path / "story.ndjson")

    streamify.get("story").assert_matches(tmp_path / "story.ndjson")
    streamify.get("story").assert_matches(result.recording())


def test_times_are_seconds_in_order(streamify):
    timeline = streamify.get("story").timeline

    assert 0 < timeline.first_byte <= timeline.end
    assert len(timeline.gaps) == 3


def test_boto3_finds_the_functions(streamify):
    import boto3

    client = boto3.client(
        "lambda",
        endpoint_url=streamify.lambda_api,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    assert client.invoke(FunctionName="story", Payload=b"{}")["StatusCode"] == 200
    client.close()


def test_a_name_that_is_none_is_told(streamify):
    with pytest.raises(LookupError, match="there is no function 'stroy': there are story, rows"):
        streamify.get("stroy")
    with pytest.raises(LookupError, match="the function gated has no FunctionUrlConfig"):
        streamify.get("gated")
