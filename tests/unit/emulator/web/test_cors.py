from typing import Any

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.web.asgi import Receive, Scope, Send, respond
from lambda_streamify_emulator.web.cors import Cors, adding, is_preflight, read_cors, twice

PAGE = "https://app.example.com"
ALLOW = "access-control-allow-"


def test_a_preflight_request_of_a_listed_origin_is_answered_with_all_that_is_configured() -> None:
    cors = Cors((PAGE,), ("GET", "POST"), ("authorization", "x-mine"), ("x-seen",), credentials=True, max_age=300)

    assert cors.preflight(PAGE) == [
        (f"{ALLOW}origin", PAGE),
        ("vary", "Origin"),
        (f"{ALLOW}credentials", "true"),
        (f"{ALLOW}headers", "authorization,x-mine"),
        (f"{ALLOW}methods", "GET,POST"),
        ("access-control-max-age", "300"),
    ]


def test_other_answers_tell_the_origin_and_what_may_be_read() -> None:
    cors = Cors((PAGE,), ("GET", "POST"), ("authorization",), ("x-seen", "date"), credentials=True, max_age=300)

    assert cors.others(PAGE) == [
        (f"{ALLOW}origin", PAGE),
        ("vary", "Origin"),
        (f"{ALLOW}credentials", "true"),
        ("access-control-expose-headers", "x-seen,date"),
    ]


def test_what_is_not_configured_is_not_sent() -> None:
    cors = Cors((PAGE,))

    assert cors.preflight(PAGE) == cors.others(PAGE) == [(f"{ALLOW}origin", PAGE), ("vary", "Origin")]


def test_an_age_of_nothing_is_sent() -> None:
    assert ("access-control-max-age", "0") in Cors(("*",), max_age=0).preflight(PAGE)


@pytest.mark.parametrize("origin", ["https://other.example.com", "", "https://app.example.com.evil.test", "null"])
def test_an_origin_that_is_not_listed_gets_nothing(origin: str) -> None:
    cors = Cors((PAGE,), ("GET",), ("x-mine",), ("x-seen",), credentials=True, max_age=300)

    assert (cors.preflight(origin), cors.others(origin)) == ([], [])


def test_without_origins_nobody_gets_anything() -> None:
    assert Cors(methods=("GET",)).preflight(PAGE) == []


def test_anyone_is_told_as_a_star() -> None:
    assert Cors(("*",)).others(PAGE) == [(f"{ALLOW}origin", "*")]
    assert Cors(("*",)).others("") == []


def test_anyone_with_credentials_is_told_by_name_since_browsers_refuse_a_star_there() -> None:
    assert Cors(("*",), credentials=True).others(PAGE) == [
        (f"{ALLOW}origin", PAGE),
        ("vary", "Origin"),
        (f"{ALLOW}credentials", "true"),
    ]


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
        await respond(adding(send, [("vary", "Origin")]), 200, [("x-mine", "1")], b"body")

    exchange = run(Exchange().run(app))

    assert exchange.fields == [("x-mine", "1"), ("content-length", "4"), ("vary", "Origin")]
    assert exchange.pieces == [b"body"]


def test_headers_that_a_browser_would_find_twice_are_named_and_vary_is_none_of_them() -> None:
    own = [("Access-Control-Allow-Origin", "*"), (f"{ALLOW}methods", "GET"), ("Vary", "Accept")]

    assert twice(own, Cors((PAGE,)).others(PAGE)) == ["Access-Control-Allow-Origin"]
    assert twice(own, []) == []


# --- the property ----------------------------------------------------------------------------------------------------

WHOLE = {
    "AllowOrigins": [PAGE, "*"],
    "AllowMethods": ["GET", "*"],
    "AllowHeaders": ["x-mine", "*"],
    "ExposeHeaders": ["date"],
    "AllowCredentials": True,
    "MaxAge": 86400,
}


def test_a_property_is_read_whole() -> None:
    expected = Cors((PAGE, "*"), ("GET", "*"), ("x-mine", "*"), ("date",), credentials=True, max_age=86400)

    assert read_cors("here", WHOLE) == expected


def test_a_property_may_be_empty_and_its_values_text_as_cloudformation_takes_them() -> None:
    assert read_cors("here", {}) == Cors()
    assert read_cors("here", {"MaxAge": "5", "AllowCredentials": "true"}) == Cors(credentials=True, max_age=5)


def test_what_could_not_be_resolved_counts_as_left_out() -> None:
    unresolved = {"Ref": "Elsewhere"}
    values = {"AllowOrigins": ["*", unresolved], "AllowMethods": unresolved, "MaxAge": None}

    assert read_cors("here", values) == Cors(("*",))
    assert read_cors("here", {"Fn::ImportValue": unresolved}) == Cors()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"AllowOrigin": "*"}, f"AllowOrigin is not one of {', '.join(WHOLE)}"),
        ({"AllowOrigins": ["x" * 254]}, f"AllowOrigins: '{'x' * 254}' is not one origin of up to 253 characters"),
        ({"AllowOrigins": "*"}, "AllowOrigins: '*' is not a list"),
        ({"AllowOrigins": ["a b"]}, "AllowOrigins: 'a b' is not one origin of up to 253 characters"),
        ({"AllowOrigins": [""]}, "AllowOrigins: '' is not one origin of up to 253 characters"),
        ({"AllowOrigins": [7]}, "AllowOrigins: 7 is not one origin of up to 253 characters"),
        ({"AllowOrigins": ["*"] * 101}, "AllowOrigins: it has 101 entries, and 100 are the most"),
        ({"AllowMethods": ["OPTIONS"]}, "AllowMethods: 'OPTIONS' is not GET, PUT, HEAD, POST, PATCH, DELETE or *"),
        ({"AllowMethods": ["get"]}, "AllowMethods: 'get' is not GET, PUT, HEAD, POST, PATCH, DELETE or *"),
        ({"AllowMethods": ["GET"] * 7}, "AllowMethods: it has 7 entries, and 6 are the most"),
        ({"AllowHeaders": ["a, b"]}, "AllowHeaders: 'a, b' is not one header's name of up to 1024 characters"),
        ({"ExposeHeaders": ["a\r\nb"]}, "ExposeHeaders: 'a\\r\\nb' is not one header's name of up to 1024 characters"),
        ({"AllowCredentials": "yes"}, "AllowCredentials: 'yes' is not true or false"),
        ({"MaxAge": 86401}, "MaxAge: 86401 is not a number of seconds from 0 to 86400"),
        ({"MaxAge": -1}, "MaxAge: -1 is not a number of seconds from 0 to 86400"),
        ({"MaxAge": True}, "MaxAge: True is not a number of seconds from 0 to 86400"),
    ],
)
def test_a_value_beyond_its_bounds_is_named(value: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        read_cors("here", value)

    assert str(raised.value) == f"here: {message}"
