def test_each_event_arrives_before_the_next_one_is_made(streamify):
    result = streamify.get("AppFunction", "/chunks")

    assert result.status_code == 200
    assert result.headers["content-type"].startswith("text/event-stream")
    assert result.body.count(b"data: ") == 5
    result.assert_streamed()


def test_a_route_that_does_not_stream_answers_too(streamify):
    assert streamify.get("AppFunction", "/").body == b'{"stream":"/chunks","documents":"/docs"}'
