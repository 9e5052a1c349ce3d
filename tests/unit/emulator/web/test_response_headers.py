import pytest

from lambda_streamify_emulator.errors import RemappedHeaderError
from lambda_streamify_emulator.web.response_headers import delivered, missed, value_of, without


def test_most_headers_are_delivered_as_they_are_and_in_their_order() -> None:
    headers = [("X-Mine", "1"), ("content-type", "text/plain"), ("Cache-Control", "no-store"), ("x-mine", "2")]

    assert delivered(headers) == headers


@pytest.mark.parametrize(
    "name", ["Content-Length", "connection", "Server", "WWW-Authenticate", "Date", "Transfer-Encoding", "Trailer"]
)
def test_a_header_that_the_url_has_a_use_for_is_renamed(name: str) -> None:
    assert delivered([(name, "value"), ("x-mine", "1")]) == [
        (f"x-amzn-remapped-{name.lower()}", "value"),
        ("x-mine", "1"),
    ]


def test_what_belongs_to_the_connection_alone_is_dropped() -> None:
    assert delivered([("Keep-Alive", "timeout=5"), ("proxy-connection", "close")]) == []


@pytest.mark.parametrize("name", ["x-amzn-remapped-connection", "X-Amzn-Remapped-Anything"])
def test_a_name_that_the_url_gives_is_refused_from_a_function(name: str) -> None:
    with pytest.raises(RemappedHeaderError) as raised:
        delivered([(name, "value")])

    expected = f"the response has the header {name}, a name that function URLs keep for themselves: leave it out"
    assert str(raised.value) == expected


def test_other_headers_of_amazon_are_the_function_s_to_set() -> None:
    assert delivered([("x-amzn-hoge", "1")]) == [("x-amzn-hoge", "1")]


def test_only_what_clients_look_for_is_missed() -> None:
    assert missed([("Date", "x"), ("WWW-Authenticate", "Bearer"), ("x-mine", "1")]) == ["WWW-Authenticate"]


def test_a_header_is_found_and_left_out_whatever_its_case() -> None:
    headers = [("X-Mine", "1"), ("x-mine", "2"), ("Other", "3")]

    assert value_of(headers, "x-mine") == "1"
    assert value_of(headers, "x-none") is None
    assert without(headers, "x-mine") == [("Other", "3")]
