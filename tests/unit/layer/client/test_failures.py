"""What a caller is told of a connection that fails."""

from lambda_streamify.client._failures import broken, silent, unreachable
from lambda_streamify.client._http1 import Head
from lambda_streamify.client._request import Request
from lambda_streamify.errors import NoResponse, StreamCut

REQUEST = Request("https://example.com:8443/path?secret=1")
HEAD = Head(200, [])


def test_a_server_that_is_not_reached_is_named_without_what_the_url_asks_for() -> None:
    error = ConnectionRefusedError(111, "Connection refused")
    failure = unreachable(REQUEST, error)

    assert str(failure) == "https://example.com:8443 did not answer: [Errno 111] Connection refused"
    assert failure.__cause__ is error


def test_an_error_without_a_text_is_named_by_its_type() -> None:
    assert str(unreachable(REQUEST, OSError())).endswith("did not answer: OSError")
    assert str(broken(REQUEST, HEAD, OSError())) == "the response was cut: OSError"


def test_silence_is_no_response_before_the_head_and_a_cut_after_it() -> None:
    before, after = silent(REQUEST, None, 2.5), silent(REQUEST, HEAD, 2.5)

    assert (type(before), str(before)) == (NoResponse, "https://example.com:8443 did not answer within 2.5 s")
    assert (type(after), "nothing came for 2.5 s" in str(after)) == (StreamCut, True)


def test_a_broken_connection_is_no_response_before_the_head_and_a_cut_after_it() -> None:
    error = ConnectionResetError(104, "Connection reset by peer")

    assert type(broken(REQUEST, None, error)) is NoResponse
    cut = broken(REQUEST, HEAD, error)
    assert type(cut) is StreamCut
    assert cut.__cause__ is error
