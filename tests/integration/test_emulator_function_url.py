"""What HTTP clients get from a function URL, and what the function gets from them."""

import base64
import gzip
import json
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from emulator_process import EmulatorProcess
from url_client import Reply, request, wire
from waiting import TIMEOUT_S


@pytest.fixture(scope="module")
def url(emulator: EmulatorProcess) -> str:
    return emulator.urls["cases"]


def answer(url: str, body: list[Any], **fields: object) -> Reply:
    """Return what a client gets of a response whose body yields these chunks; a dict stands for bytes."""
    return request(url, "/answer", response={**fields, "body": body})


# --- the response ----------------------------------------------------------------------------------------------------


def test_status_headers_and_body_are_the_function_s(url: str) -> None:
    headers = {"Content-Type": "text/html", "X-Kind": "brief", "x-number": 7}

    reply = answer(url, ["one, ", "two"], statusCode=418, headers=headers)

    assert (reply.status, reply.body) == (418, b"one, two")
    assert [reply.all(name) for name in ("content-type", "x-kind", "x-number")] == [["text/html"], ["brief"], ["7"]]


def test_each_cookie_is_a_header_of_its_own(url: str) -> None:
    cookies = ["a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2; HttpOnly"]

    reply = answer(url, ["text"], cookies=cookies, headers={"Set-Cookie": "c=3"})

    assert reply.all("set-cookie") == [*cookies, "c=3"]
    assert reply.all("cookie") == []


def test_the_service_s_own_headers_are_there(url: str) -> None:
    reply = answer(url, ["text"])

    (request_id,), (trace_id,) = reply.all("x-amzn-requestid"), reply.all("x-amzn-trace-id")
    assert len(request_id) == 36
    assert trace_id.startswith("root=1-")
    assert len(reply.all("date")) == 1
    assert reply.all("transfer-encoding") == ["chunked"]
    assert reply.all("server") == []


def test_headers_of_one_connection_are_not_the_function_s_to_set(url: str) -> None:
    reply = answer(url, ["text"], headers={"Content-Length": "1", "Transfer-Encoding": "gzip", "Connection": "close"})

    assert (reply.status, reply.body) == (200, b"text")
    assert (reply.all("content-length"), reply.all("transfer-encoding")) == ([], ["chunked"])
    assert "close" not in reply.all("connection")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (["text"], "text/plain; charset=utf-8"),
        ([{"base64": "AP8="}], "application/octet-stream"),
        ([], "text/plain; charset=utf-8"),
    ],
    ids=["text", "bytes", "nothing"],
)
def test_a_response_that_names_no_content_type_gets_one_by_its_first_chunk(
    url: str, body: list[Any], content_type: str
) -> None:
    assert answer(url, body).all("content-type") == [content_type]


def test_bytes_arrive_as_they_are_and_no_prelude_before_them(url: str) -> None:
    body = [bytes(8), bytes(range(256)), b"{}" + bytes(8), b"\r\n0\r\n\r\n", b"", b"end"]

    reply = answer(url, [{"base64": base64.b64encode(chunk).decode()} for chunk in body])

    assert reply.body == b"".join(body)


def test_text_of_any_script_arrives_as_utf_8(url: str) -> None:
    assert answer(url, ["žluťoučký ", "東京 😀"]).body.decode() == "žluťoučký 東京 😀"


def test_an_empty_generator_is_an_empty_body_with_its_status_and_headers(url: str) -> None:
    reply = answer(url, [], statusCode=404, headers={"x-kind": "empty"})

    assert (reply.status, reply.body, reply.all("x-kind")) == (404, b"", ["empty"])


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_may_have_no_body_has_none(url: str, tmp_path: Path, status: int) -> None:
    with wire(url, "/unsent", status=status, note=str(tmp_path / "note")) as connection:
        raw = b"".join(connection.read_on())

    assert raw.startswith(b"HTTP/1.1 %d " % status)
    assert raw.endswith(b"\r\n\r\n")
    assert raw.count(b"\r\n\r\n") == 1
    assert b"transfer-encoding" not in raw.lower()
    assert not (tmp_path / "note").exists()


def test_a_head_request_is_answered_with_the_head_alone(url: str, tmp_path: Path) -> None:
    reply = request(url, "/unsent", method="HEAD", status=201, note=str(tmp_path / "note"))

    assert (reply.status, reply.body) == (201, b"")
    assert reply.all("content-type") == ["text/plain; charset=utf-8"]
    assert not (tmp_path / "note").exists()


# --- plain values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"hello": "world"}, b'{"hello": "world"}'),
        (["hello", 3, True], b'["hello", 3, true]'),
        ("hello", b"hello"),
        (42, b"42"),
        (None, b"null"),
    ],
    ids=["dict", "list", "string", "number", "none"],
)
def test_a_plain_value_is_a_json_body(url: str, value: object, body: bytes) -> None:
    reply = request(url, "/value", value=json.dumps(value))

    assert (reply.status, reply.all("content-type"), reply.body) == (200, ["application/json"], body)


def test_a_plain_response_has_its_status_headers_cookies_and_decoded_body(url: str) -> None:
    value = {
        "statusCode": "201",
        "headers": {"content-type": "image/png"},
        "cookies": ["a=1", "b=2"],
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }

    reply = request(url, "/value", value=json.dumps(value))

    assert (reply.status, reply.all("content-type"), reply.body) == (201, ["image/png"], b"\x89PNG")
    assert reply.all("set-cookie") == ["a=1", "b=2"]


# --- the event -------------------------------------------------------------------------------------------------------


def test_the_event_says_what_the_request_was(url: str) -> None:
    before = time.time()

    reply = request(
        url,
        "/event/pa2%25Fth//../%zz?multi=foo&multi=%2Fbar&empty&text=%C5%BE+%2B",
        headers={"X-Mixed-Case": "Kept", "Cookie": "a=1; b=2", "User-Agent": "test/1"},
    )

    event = reply.json()
    assert (event["version"], event["routeKey"], event["isBase64Encoded"]) == ("2.0", "$default", False)
    assert event["rawPath"] == "/event/pa2%25Fth//../%zz"
    assert event["rawQueryString"] == "multi=foo&multi=%2Fbar&empty&text=%C5%BE+%2B"
    assert event["queryStringParameters"] == {"multi": "foo,/bar", "empty": "", "text": "ž +"}
    assert event["cookies"] == ["a=1", "b=2"]
    headers = event["headers"]
    assert (headers["x-mixed-case"], headers["cookie"], headers["user-agent"]) == ("Kept", "a=1; b=2", "test/1")
    assert f"{headers['x-forwarded-proto']}://{headers['host']}/" == url
    assert f":{headers['x-forwarded-port']}/" in url
    assert reply.all("x-amzn-trace-id")[0].startswith(headers["x-amzn-trace-id"].lower() + ";")
    context = event["requestContext"]
    assert context["requestId"] == reply.all("x-amzn-requestid")[0]
    assert context["http"] == {
        "method": "GET",
        "path": "/event/pa2%Fth//../%zz",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/1",
    }
    assert context["domainName"] == f"{context['apiId']}.lambda-url.us-east-1.on.aws"
    assert before - 1 <= context["timeEpoch"] / 1000 <= time.time() + 1
    assert not {"body", "pathParameters"} & set(event)


def test_what_a_request_does_not_have_its_event_does_not_have(url: str) -> None:
    event = request(url, "/event").json()

    assert event["rawQueryString"] == ""
    assert not {"cookies", "queryStringParameters", "body"} & set(event)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function_with_its_body(url: str, method: str) -> None:
    event = request(url, "/event", method=method, body=b"body", headers={"content-type": "text/plain"}).json()

    assert (event["requestContext"]["http"]["method"], event["body"]) == (method, "body")


@pytest.mark.parametrize(
    ("content_type", "sent", "body", "encoded"),
    [
        ("application/json", '{"a": "ž"}'.encode(), '{"a": "ž"}', False),
        ("application/json; charset=utf-8", b"{}", "{}", False),
        ("TEXT/CSV", "ž,1".encode(), "ž,1", False),
        ("text/plain", b"\xff", "/w==", True),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", True),
        ("multipart/form-data; boundary=x", b"--x--", "LS14LS0=", True),
        ("application/octet-stream", b"\x00\xff", "AP8=", True),
        ("", b"a", "YQ==", True),
    ],
    ids=["json", "json-charset", "text", "text-that-is-none", "form", "multipart", "binary", "unnamed"],
)
def test_a_body_is_text_or_base64_by_its_content_type(
    url: str, content_type: str, sent: bytes, body: str, *, encoded: bool
) -> None:
    headers = {"content-type": content_type} if content_type else {}

    event = request(url, "/event", method="POST", body=sent, headers=headers).json()

    assert (event["body"], event["isBase64Encoded"]) == (body, encoded)


def test_a_header_that_is_repeated_is_one_value_with_commas(url: str) -> None:
    with wire(url, "/event", head="X-Many: 1\r\nx-many: 2") as connection:
        raw = b"".join(connection.read_on())

    assert b'"x-many": "1,2"' in raw


def test_a_body_that_is_sent_in_chunks_reaches_the_function_whole(url: str) -> None:
    head = "Transfer-Encoding: chunked\r\nContent-Type: text/plain"
    with wire(url, "/event", head=head, body=b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") as connection:
        raw = b"".join(connection.read_on())

    assert b'"body": "onetwo"' in raw


# --- requests that reach no function ---------------------------------------------------------------------------------

SIX_MEGABYTES = 6 * 1024 * 1024


@pytest.mark.parametrize(
    ("size", "content_type"),
    [(SIX_MEGABYTES + 1, "text/plain"), (SIX_MEGABYTES - 100, "text/plain"), (5_000_000, "application/octet-stream")],
    ids=["body", "event", "base64"],
)
def test_a_request_over_six_megabytes_is_refused(url: str, size: int, content_type: str) -> None:
    reply = request(url, "/event", method="POST", body=b"x" * size, headers={"content-type": content_type})

    assert reply.status == 413
    assert "6291456 bytes" in reply.json()["message"]


def test_a_request_of_almost_six_megabytes_reaches_the_function(url: str) -> None:
    body = b"x" * (SIX_MEGABYTES - 10_000)

    event = request(url, "/event", method="POST", body=body, headers={"content-type": "text/plain"}).json()

    assert event["body"] == body.decode()


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/raises", {}),
        ("/nil", {}),
        ("/fails", {"after": 0}),
        ("/async_fails", {"after": 0}),
        ("/answer", {"response": {"statusCode": 700, "body": ["text"]}}),
        ("/answer", {"response": {"headers": {"x-kind": "two\r\nlines"}, "body": ["text"]}}),
    ],
)
def test_an_error_before_the_first_byte_is_a_502(url: str, path: str, query: dict[str, Any]) -> None:
    reply = request(url, path, **query)

    assert (reply.status, reply.body) == (502, b"Internal Server Error")
    assert len(reply.all("x-amzn-requestid")[0]) == 36


@pytest.mark.parametrize("case", ["fails", "async_fails"])
def test_an_error_after_the_first_byte_ends_the_body_as_if_it_were_whole_and_is_told_in_the_log(
    emulator: EmulatorProcess, url: str, case: str
) -> None:
    told = "cases | Function.LookupError after the response began: the client sees a body that ends early"
    with emulator.logged("cases | [ERROR] LookupError: no more chunks\n", told):
        reply = request(url, f"/{case}", after=2)

    assert (reply.status, reply.body) == (200, b"chunk 0\nchunk 1\n")


def test_one_connection_serves_one_request_after_the_other_through_errors_of_each_kind(url: str) -> None:
    targets = ["/raises", "/fails?after=0", "/fails?after=2", "/nil", "/value?value=42"]
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)) as connection:
        connection.connect()
        kept = connection.sock
        replies = []
        for target in targets:
            connection.request("GET", target)
            response = connection.getresponse()
            replies.append((response.status, response.read()))
            assert connection.sock is kept  # it would be None after an answer that closes the connection

    error = (502, b"Internal Server Error")
    assert replies == [error, error, (200, b"chunk 0\nchunk 1\n"), error, (200, b"42")]


# --- pages of other origins ------------------------------------------------------------------------------------------

PAGE = "https://app.example.com"


def of_cors(reply: Reply) -> dict[str, str]:
    found = [(name, value) for name, value in reply.headers if name.startswith("access-control-") or name == "vary"]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_a_browser_s_question_is_answered_without_the_function(emulator: EmulatorProcess, tmp_path: Path) -> None:
    note = tmp_path / "note"
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-mine"}

    reply = request(emulator.urls["shared"], "/note", method="OPTIONS", headers=asking, note=str(note))

    assert (reply.status, reply.body, reply.all("content-type")) == (200, b"", ["application/json"])
    assert of_cors(reply) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "x-mine",
        "access-control-allow-methods": "PUT",
        "access-control-max-age": "60",
        "vary": "Origin",
    }
    assert not note.exists()


def test_a_url_without_cors_asks_its_function(url: str) -> None:
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}

    reply = request(url, "/value", method="OPTIONS", headers=asking, value="42")

    assert (reply.body, of_cors(reply)) == (b"42", {})


@pytest.mark.parametrize("case", ["answer", "raises"])
def test_an_answer_says_that_a_page_may_read_it_an_error_too(emulator: EmulatorProcess, case: str) -> None:
    reply = request(emulator.urls["shared"], f"/{case}", headers={"Origin": PAGE}, response={"body": ["text"]})

    assert reply.status == (200 if case == "answer" else 502)
    assert of_cors(reply) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-credentials": "true",
        "vary": "Origin",
    }


def test_an_origin_that_is_not_allowed_is_told_nothing(emulator: EmulatorProcess) -> None:
    reply = request(emulator.urls["shared"], "/value", headers={"Origin": "https://other.example.com"}, value="42")

    assert (reply.status, of_cors(reply)) == (200, {})


# --- a runtime that is not ours --------------------------------------------------------------------------------------

HTTP = "application/vnd.awslambda.http-integration-response"
NULS = bytes(8)
END = "0\r\n\r\n"
ENDS_EARLY = "after the response began: the client sees a body that ends early"


FAILED = "0\r\nLambda-Runtime-Function-Error-Type: RangeError\r\n\r\n"


def raw(emulator: EmulatorProcess, body: bytes, content_type: str = HTTP, end: str = END, trailer: str = "") -> Reply:
    encoded = base64.b64encode(body).decode()
    return request(emulator.urls["raw"], content_type=content_type, reply=encoded, end=end, trailer=trailer)


@pytest.mark.parametrize("fields", [b"{}", b'{"statusCode": 200, "headers": null, "cookies": null, "later": 1}'])
def test_a_prelude_may_leave_out_what_it_does_not_need(emulator: EmulatorProcess, fields: bytes) -> None:
    reply = raw(emulator, fields + NULS + b"text")

    assert (reply.status, reply.body, reply.all("content-type")) == (200, b"text", ["application/octet-stream"])


def test_a_body_of_another_type_has_no_prelude(emulator: EmulatorProcess) -> None:
    reply = raw(emulator, b"{}" + NULS + b"text", "text/event-stream")

    assert (reply.status, reply.body) == (200, b"{}" + NULS + b"text")
    assert reply.all("content-type") == ["text/event-stream"]


def test_headers_that_the_url_has_a_use_for_arrive_under_other_names(emulator: EmulatorProcess) -> None:
    headers = {
        "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
        "Content-Length": "999",
        "Connection": "close",
        "WWW-Authenticate": "Bearer",
        "Keep-Alive": "timeout=5",
    }
    with emulator.logged("raw | function URLs rename the header WWW-Authenticate to "):
        reply = raw(emulator, json.dumps({"headers": headers}).encode() + NULS + b"text")

    assert (reply.status, reply.body, reply.all("transfer-encoding")) == (200, b"text", ["chunked"])
    for name in ("Date", "Content-Length", "Connection", "WWW-Authenticate"):
        assert reply.all(f"x-amzn-remapped-{name.lower()}") == [headers[name]]
    assert [reply.all(name) for name in ("content-length", "connection", "www-authenticate")] == [[], [], []]
    assert len(reply.all("date")) == 1
    assert reply.all("date") != [headers["Date"]]
    assert reply.all("keep-alive") == []


def test_a_header_under_such_a_name_makes_the_answer_a_500(emulator: EmulatorProcess) -> None:
    told = "raw | the response has the header x-amzn-remapped-connection, a name that function URLs reserve"
    with emulator.logged(told, "; the client gets 500"):
        reply = raw(emulator, b'{"headers": {"x-amzn-remapped-connection": "close"}}' + NULS + b"text")

    assert (reply.status, reply.body) == (500, b"Internal Server Error")


def test_multi_value_headers_make_the_answer_a_500(emulator: EmulatorProcess) -> None:
    with emulator.logged("raw | the prelude has the field multiValueHeaders", "; the client gets 500"):
        reply = raw(emulator, b'{"multiValueHeaders": {"x-many": ["1", "2"]}}' + NULS + b"text")

    assert (reply.status, reply.body) == (500, b"Internal Server Error")


@pytest.mark.parametrize("content_type", [HTTP, "application/octet-stream"])
def test_a_stream_that_is_nothing_but_an_error_is_a_502(emulator: EmulatorProcess, content_type: str) -> None:
    reply = raw(emulator, b"", content_type, FAILED, trailer="Lambda-Runtime-Function-Error-Type")

    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_an_error_behind_a_prelude_comes_after_the_status(emulator: EmulatorProcess) -> None:
    with emulator.logged(f"raw | RangeError {ENDS_EARLY}"):
        reply = raw(emulator, b'{"statusCode": 201}' + NULS, end=FAILED, trailer="Lambda-Runtime-Function-Error-Type")

    assert (reply.status, reply.body) == (201, b"")


def test_a_compressed_stream_arrives_decompressed(emulator: EmulatorProcess) -> None:
    with emulator.logged("raw | content-encoding gzip: a streaming function URL decompresses the body"):
        reply = raw(emulator, b'{"headers": {"content-encoding": "gzip"}}' + NULS + gzip.compress(b"text"))

    assert (reply.status, reply.body, reply.all("content-encoding")) == (200, b"text", [])


def test_a_status_that_only_announces_another_answer_is_a_502(emulator: EmulatorProcess) -> None:
    with emulator.logged("raw | the response's statusCode is 103, not a number from 200 to 599"):
        reply = raw(emulator, b'{"statusCode": 103}' + NULS)

    assert (reply.status, reply.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("status", [204, 304])
def test_a_body_is_dropped_where_http_allows_none(emulator: EmulatorProcess, status: int) -> None:
    reply = raw(emulator, b'{"statusCode": %d}' % status + NULS + b"text")

    assert (reply.status, reply.body) == (status, b"")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"text" + NULS, "the prelude is not JSON: "),
        (b"[]" + NULS, "the prelude is not a JSON object but list"),
        (b'{"statusCode": 600}' + NULS, "the response's statusCode is 600, not a number from 200 to 599"),
        (b'{"headers": {"x-kind": "two\\r\\nlines"}}' + NULS, "the response's header 'x-kind' with the value "),
        (
            b'{"headers": {"x kind": ""}}' + NULS,
            "the response's header 'x kind' with the value '' is not a valid HTTP header",
        ),
        (b'{"cookies": "a=1"}' + NULS, "the response's headers must be an object, its cookies a list"),
        (b"{}", "the response ends after 2 bytes, before its prelude does"),
        (b"", "the response ends after 0 bytes, before its prelude does"),
        (b"{" + b" " * 16 * 1024 + b"}" + NULS, "no end of the prelude within its first 16384 bytes"),
    ],
    ids=["text", "list", "status", "header-value", "header-name", "cookies", "no-nuls", "nothing", "endless"],
)
def test_a_broken_prelude_is_a_502_and_what_is_wrong_is_told_in_the_log(
    emulator: EmulatorProcess, body: bytes, problem: str
) -> None:
    with emulator.logged(f"raw | {problem}", "; the client gets 502"):
        reply = raw(emulator, body)

    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_a_runtime_that_closes_its_connection_within_the_body_ends_the_body(emulator: EmulatorProcess) -> None:
    with emulator.logged("raw | ", ENDS_EARLY):
        reply = raw(emulator, b"{}" + NULS + b"so far", end="")

    assert (reply.status, reply.body) == (200, b"so far")


def test_a_runtime_that_sends_no_http_ends_the_body(emulator: EmulatorProcess) -> None:
    with emulator.logged("raw | ", ENDS_EARLY):
        reply = raw(emulator, b"{}" + NULS + b"so far", end="no chunk\r\n")

    assert (reply.status, reply.body) == (200, b"so far")


def test_trailers_that_were_not_announced_are_dropped_with_a_warning(emulator: EmulatorProcess) -> None:
    warning = "raw | Lambda drops the trailer lambda-runtime-function-error-type: no Trailer header lists it"
    with emulator.logged(warning) as lines:
        reply = raw(emulator, b"{}" + NULS + b"text", end="0\r\nLambda-Runtime-Function-Error-Type: Late\r\n\r\n")

    assert (reply.status, reply.body) == (200, b"text")
    assert not any(ENDS_EARLY in line for line in lines)
