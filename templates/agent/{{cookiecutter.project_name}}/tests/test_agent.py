QUESTION = {"messages": [{"role": "user", "content": "What is 6 * 7?"}]}


def test_the_answer_arrives_while_it_is_made(streamify):
    result = streamify.post("AgentFunction", "/runs", json=QUESTION)

    assert result.status_code == 200
    assert result.headers["content-type"].startswith("text/event-stream")
    assert b"event: run\n" in result.body
    assert b"event: done\n" in result.body
    result.assert_streamed()


def test_the_function_serves_its_page(streamify):
    result = streamify.get("AgentFunction")

    assert result.headers["content-type"] == "text/html; charset=utf-8"


def test_what_is_no_conversation_is_refused(streamify):
    assert streamify.post("AgentFunction", "/runs", json={"messages": []}).status_code == 400
