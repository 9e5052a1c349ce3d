from lambda_streamify._runtime.context import InvocationRequest


def test_a_request_gives_its_headers_by_their_short_names() -> None:
    request = InvocationRequest({"lambda-runtime-trace-id": "Root=1", "lambda-runtime-deadline-ms": "5", "x": "y"}, b"")

    assert request.header("trace-id") == "Root=1"
    assert request.header("x") is None
    assert InvocationRequest({"lambda-runtime-trace-id": ""}, b"").header("trace-id") is None
    assert request.deadline_ms == 5
    assert (request.request_id, request.content_type) == ("", None)
    assert InvocationRequest({}, b"").deadline_ms == 0
