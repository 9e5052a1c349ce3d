import pytest

from lambda_streamify_emulator.errors import RemappedHeaderError
from lambda_streamify_emulator.web.response_headers import (
    find_renamed_for_clients,
    get_header,
    remove_header,
    rename_headers,
)


def test_most_headers_are_delivered_as_they_are_and_in_their_order() -> None:
    headers = [("X-Mine", "1"), ("content-type", "text/plain"), ("Cache-Control", "no-store"), ("x-mine", "2")]

    assert rename_headers(headers) == headers


@pytest.mark.parametrize(
    "name", ["Content-Length", "connection", "Server", "WWW-Authenticate", "Date", "Transfer-Encoding", "Trailer"]
)
def test_a_header_that_the_url_has_a_use_for_is_renamed(name: str) -> None:
    assert rename_headers([(name, "value"), ("x-mine", "1")]) == [
        (f"x-amzn-remapped-{name.lower()}", "value"),
        ("x-mine", "1"),
    ]


def test_what_belongs_to_the_connection_alone_is_dropped() -> None:
    assert rename_headers([("Keep-Alive", "timeout=5"), ("proxy-connection", "close")]) == []


@pytest.mark.parametrize("name", ["x-amzn-remapped-connection", "X-Amzn-Remapped-Anything"])
def test_a_name_that_the_url_gives_is_refused_from_a_function(name: str) -> None:
    with pytest.raises(RemappedHeaderError) as raised:
        rename_headers([(name, "value")])

    expected = f"the response has the header {name}, a name that function URLs reserve: leave it out"
    assert str(raised.value) == expected


def test_other_headers_of_amazon_are_the_function_s_to_set() -> None:
    assert rename_headers([("x-amzn-hoge", "1")]) == [("x-amzn-hoge", "1")]


def test_only_renamed_headers_that_clients_need_are_named() -> None:
    assert find_renamed_for_clients([("Date", "x"), ("WWW-Authenticate", "Bearer"), ("x-mine", "1")]) == [
        "WWW-Authenticate"
    ]


def test_a_header_is_found_and_left_out_whatever_its_case() -> None:
    headers = [("X-Mine", "1"), ("x-mine", "2"), ("Other", "3")]

    assert get_header(headers, "x-mine") == "1"
    assert get_header(headers, "x-none") is None
    assert remove_header(headers, "x-mine") == [("Other", "3")]
