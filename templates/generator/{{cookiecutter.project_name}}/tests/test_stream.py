def test_each_chunk_arrives_before_the_next_one_is_made(streamify):
    result = streamify.get("StreamFunction")

    assert result.status_code == 200
    assert result.headers["content-type"] == "text/plain; charset=utf-8"
    assert result.chunks == [f"Chunk {number}\n".encode() for number in range(5)]
    result.assert_streamed()
