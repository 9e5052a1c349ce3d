"""The app of AgentCore Runtime as a handler; tests/ecosystem/test_agentcore.py compares it with AWS's own."""

import json
from typing import Any

import pytest

from http_events import url_event
from lambda_streamify import StreamingResponse, testing
from lambda_streamify.agentcore import BedrockAgentCoreApp, BedrockAgentCoreContext
from lambda_streamify.errors import HandlerError

SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"


def event(payload: object, **headers: str) -> dict[str, Any]:
    return url_event("/invocations", method="POST", headers=headers, body=json.dumps(payload).encode())


@pytest.fixture
def app() -> BedrockAgentCoreApp:
    return BedrockAgentCoreApp(debug=True)


def test_each_item_of_a_generator_is_one_chunk(app: BedrockAgentCoreApp) -> None:
    @app.entrypoint
    def invoke(payload: Any) -> Any:
        yield payload["prompt"]
        yield {"done": True}

    response = testing.call(app, event({"prompt": "žluť"}))

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [chunk.decode() for chunk in response.chunks] == ['data: "žluť"\n\n', 'data: {"done": true}\n\n']


def test_an_error_in_the_stream_is_an_event_and_is_raised() -> None:
    app = BedrockAgentCoreApp()

    @app.entrypoint
    def invoke(_: Any) -> Any:
        yield 1
        raise ValueError("why")

    chunks = iter(app(event({}), None).body)

    assert next(chunks) == b"data: 1\n\n"
    assert json.loads(next(chunks).removeprefix(b"data: ")) == {
        "error": "why",
        "error_type": "ValueError",
        "message": "An error occurred during streaming",
    }
    with pytest.raises(ValueError, match="why"):
        next(chunks)


def test_the_session_of_a_request_does_not_stay_for_the_next_one(app: BedrockAgentCoreApp) -> None:
    @app.entrypoint
    def invoke(_: Any, context: Any) -> Any:
        return [context.session_id, BedrockAgentCoreContext.get_session_id(), BedrockAgentCoreContext.get_request_id()]

    first, second = testing.call(app, event({}, **{SESSION: "one"})).json(), testing.call(app, event({})).json()

    assert first[:2] == ["one", "one"]
    assert second[:2] == [None, None]
    assert first[2] != second[2]


def test_a_second_parameter_of_another_name_is_not_filled(app: BedrockAgentCoreApp) -> None:
    @app.entrypoint
    def invoke(payload: Any, model: str = "default") -> Any:
        return [payload, model]

    assert testing.call(app, event(1)).json() == [1, "default"]


def test_a_response_of_the_entry_point_has_its_own_status(app: BedrockAgentCoreApp) -> None:
    @app.entrypoint
    def invoke(_: Any) -> Any:
        return StreamingResponse("none", 404)

    assert testing.call(app, event({})).status_code == 404


def test_the_app_answers_the_status_that_its_function_says(app: BedrockAgentCoreApp) -> None:
    app.ping(lambda: "HealthyBusy")

    assert testing.call(app, url_event("/ping")).json()["status"] == "HealthyBusy"


def test_without_an_entry_point_the_answer_says_so(app: BedrockAgentCoreApp) -> None:
    response = testing.call(app, event({}))

    assert (response.status_code, response.json()) == (500, {"error": "No entrypoint defined"})


def test_an_object_that_fails_to_show_its_fields_is_sent_as_text(app: BedrockAgentCoreApp) -> None:
    class Model:
        def model_dump(self) -> object:
            raise ValueError("fields")

        def __str__(self) -> str:
            return "a model"

    app.entrypoint(lambda _: Model())

    assert testing.call(app, event({})).json() == "a model"


@pytest.mark.parametrize("name", ["run", "websocket", "async_task", "add_async_task"])
def test_what_lambda_cannot_do_is_refused_with_the_way_out(app: BedrockAgentCoreApp, name: str) -> None:
    with pytest.raises(HandlerError, match=r"BedrockAgentCoreApp\.\w+: .*; "):
        getattr(app, name)("argument")
