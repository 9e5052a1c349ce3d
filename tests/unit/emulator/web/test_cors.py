import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.template.cors import Cors
from lambda_streamify_emulator.web.asgi import Receive, Scope, Send, respond
from lambda_streamify_emulator.web.cors import add_headers, find_duplicates, is_preflight, preflight_outcome

PAGE = "https://app.example.com"


@pytest.mark.parametrize(
    ("method", "names", "preflight"),
    [
        ("OPTIONS", ("origin", "access-control-request-method"), True),
        ("OPTIONS", ("origin",), False),
        ("OPTIONS", ("access-control-request-method",), False),
        ("OPTIONS", (), False),
        ("GET", ("origin", "access-control-request-method"), False),
    ],
)
def test_a_preflight_request_is_one_that_a_browser_sends_for_another(
    method: str,
    names: tuple[str, ...],
    preflight: bool,  # noqa: FBT001
) -> None:
    assert is_preflight(method, dict.fromkeys(names, "x")) is preflight


def test_headers_are_added_behind_those_that_a_response_has() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(add_headers(send, [("vary", "Origin")]), 200, [("x-mine", "1")], b"body")

    exchange = run(Exchange().run(app))

    assert exchange.fields == [("x-mine", "1"), ("content-length", "4"), ("vary", "Origin")]
    assert exchange.pieces == [b"body"]


def test_duplicate_cors_headers_are_named_except_vary() -> None:
    own = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-methods", "GET"), ("Vary", "Accept")]

    assert find_duplicates(own, Cors((PAGE,)).actual_response(PAGE)) == ["Access-Control-Allow-Origin"]
    assert find_duplicates(own, []) == []


ANYTHING = [("access-control-allow-origin", "*"), ("access-control-allow-headers", "*")]
MINE = [
    ("access-control-allow-origin", PAGE),
    ("access-control-allow-methods", "PUT,PATCH"),
    ("access-control-allow-headers", "X-Mine,content-type"),
]
WITH_CREDENTIALS = [*MINE, ("access-control-allow-credentials", "true"), ("access-control-allow-headers", "*")]


@pytest.mark.parametrize(
    ("answer", "origin", "method", "headers", "refused"),
    [
        (MINE, PAGE, "PUT", "x-mine, content-type", None),
        (MINE, PAGE, "POST", "", None),  # needs no permission
        (MINE, "https://other", "PUT", "", "the origin https://other is not allowed"),
        ([], PAGE, "GET", "", f"the origin {PAGE} is not allowed"),
        (MINE, PAGE, "DELETE", "", "the method DELETE is not allowed"),
        (MINE, PAGE, "PUT", "x-mine,x-other", "the header x-other is not allowed"),
        (ANYTHING, PAGE, "GET", "x-any", None),
        (ANYTHING, PAGE, "GET", "authorization", "the header authorization is not allowed"),
        (WITH_CREDENTIALS, PAGE, "PUT", "x-any", "the header x-any is not allowed"),
        (MINE, "", "", "", None),  # not from a browser
    ],
)
def test_a_preflight_request_is_refused_as_the_browser_reads_the_answer(
    answer: list[tuple[str, str]], origin: str, method: str, headers: str, refused: str | None
) -> None:
    request = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }

    expected = "preflight" if refused is None else f"preflight refused: {refused}"
    assert preflight_outcome(request, answer) == expected
