"""What a response has to be before its records are read."""

import pytest

from lambda_streamify.client._checks import check_encoding, check_event_stream, error_status, is_success
from lambda_streamify.errors import StreamFailed


@pytest.mark.parametrize(("status", "expected"), [(199, False), (200, True), (299, True), (302, False), (502, False)])
def test_success_is_200_to_299(status: int, expected: bool) -> None:  # noqa: FBT001 - a test's parameter
    assert is_success(status) is expected


def test_the_error_of_a_status_says_what_the_server_says() -> None:
    failure = error_status(502, {"x-a": "1"}, b'{"message": "Internal Server Error"}\n')

    assert str(failure) == 'the server answered with status 502: {"message": "Internal Server Error"}'
    assert (failure.status_code, failure.headers) == (502, {"x-a": "1"})
    assert failure.partial == b'{"message": "Internal Server Error"}\n'


def test_the_error_of_a_redirect_says_where_to() -> None:
    assert "not followed, and its Location is /there" in str(error_status(302, {"location": "/there"}, b""))


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}])
def test_a_body_that_is_not_encoded_is_accepted(headers: dict[str, str]) -> None:
    check_encoding(headers)


def test_a_compressed_body_is_an_error_where_text_is_read() -> None:
    with pytest.raises(StreamFailed, match="the body is encoded as gzip"):
        check_encoding({"content-encoding": "gzip"})


@pytest.mark.parametrize("content_type", ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
def test_the_content_type_of_events_is_accepted(content_type: str) -> None:
    check_event_stream({"content-type": content_type})


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/event-streams"}])
def test_another_content_type_is_an_error_where_events_are_read(headers: dict[str, str]) -> None:
    with pytest.raises(StreamFailed, match="not 'text/event-stream'"):
        check_event_stream(headers)
