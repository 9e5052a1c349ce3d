import io
from pathlib import Path

import pytest

from lambda_streamify_emulator.commands.http_request import HttpRequest, read_request
from lambda_streamify_emulator.errors import EmulatorError, RequestOptionError

TYPE = {"content-type": "application/json"}


def test_without_options_there_is_no_request() -> None:
    assert read_request() is None
    assert read_request(header=[], query=[]) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"path": "/"}, HttpRequest(path="/")),
        ({"method": "delete"}, HttpRequest("DELETE")),
        ({"data": ""}, HttpRequest("POST", headers={"content-type": "application/x-www-form-urlencoded"}, body=b"")),
        (
            {"data": "a=1"},
            HttpRequest("POST", headers={"content-type": "application/x-www-form-urlencoded"}, body=b"a=1"),
        ),
        ({"data": '{"a": 1}'}, HttpRequest("POST", headers=TYPE, body=b'{"a": 1}')),
        ({"data": "[]", "method": "PUT"}, HttpRequest("PUT", headers=TYPE, body=b"[]")),
        (
            {"data": "{}", "header": ["Content-Type: text/x"]},
            HttpRequest("POST", headers={"Content-Type": "text/x"}, body=b"{}"),
        ),
        ({"path": "/a b/%20/ü?c=d e"}, HttpRequest(path="/a%20b/%20/%C3%BC", query="c=d%20e")),
        ({"path": "/a?b=c", "query": ["b=&", "d e=ü+"]}, HttpRequest(path="/a", query="b=c&b=%26&d%20e=%C3%BC%2B")),
        (
            {"header": ["A: b:c", "a:d", "Empty:", "Cookie: x=1", "cookie: y=2"]},
            HttpRequest(headers={"A": "b:c, d", "Empty": "", "Cookie": "x=1; y=2"}),
        ),
        ({"header": ["A: ü"]}, HttpRequest(headers={"A": "Ã¼"})),
    ],
)
def test_the_options_are_a_request(options: dict[str, object], expected: HttpRequest) -> None:
    assert read_request(**options) == expected  # type: ignore[arg-type]


def test_data_comes_from_a_file_or_standard_input_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\xff\r\n\0"
    (tmp_path / "data").write_bytes(data)

    for option in (f"@{tmp_path / 'data'}", "-", "@-"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        request = read_request(data=option)
        assert request is not None
        assert request.body == data


@pytest.mark.parametrize(
    ("base", "request_", "url"),
    [
        ("http://a:1/", HttpRequest(), "http://a:1/"),
        ("http://a:1/live?x=1", HttpRequest(path="/b", query="y=2"), "http://a:1/live/b?x=1&y=2"),
        ("http://a:1/", HttpRequest(path="/b"), "http://a:1/b"),
        ("http://a:1", HttpRequest(query="y=2"), "http://a:1?y=2"),
    ],
)
def test_path_and_query_are_added_to_a_url(base: str, request_: HttpRequest, url: str) -> None:
    assert request_.url(base) == url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": ["a"]}, "--header a: write it as 'NAME: VALUE'"),
        ({"header": [": a"]}, "--header : a: write it as 'NAME: VALUE'"),
        ({"header": ["a b: c"]}, "--header a b: c: write it as 'NAME: VALUE'"),
        ({"header": ["a: b\nc"]}, "--header 'a: b\\nc': the value contains characters that HTTP does not allow"),
        ({"query": ["a"]}, "--query a: write it as NAME=VALUE"),
        ({"query": ["=a"]}, "--query =a: write it as NAME=VALUE"),
        ({"path": "a"}, "--path a: it must begin with /"),
        ({"method": "A B"}, "--method A B: it is not an HTTP method, such as GET or POST"),
        ({"data": "@/nonexistent"}, "--data @/nonexistent: the file cannot be read: No such file or directory"),
        ({"data": "a", "event": Path("b")}, "--data and --event: choose one of them; both are the body of the request"),
    ],
)
def test_an_invalid_option_is_an_error_with_the_way_out(options: dict[str, object], message: str) -> None:
    with pytest.raises(RequestOptionError) as raised:
        read_request(**options)  # type: ignore[arg-type]

    assert str(raised.value) == message


def test_an_event_is_a_body_of_json(tmp_path: Path) -> None:
    (tmp_path / "event").write_text('{"a": 1}')
    (tmp_path / "text").write_text("a")

    assert read_request(event=tmp_path / "event") == HttpRequest("POST", headers=TYPE, body=b'{"a": 1}')
    with pytest.raises(EmulatorError, match="is not JSON"):
        read_request(event=tmp_path / "text")
