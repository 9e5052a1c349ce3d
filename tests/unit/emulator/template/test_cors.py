from typing import Any

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.cors import Cors, read_cors

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

    assert cors.actual_response(PAGE) == [
        (f"{ALLOW}origin", PAGE),
        ("vary", "Origin"),
        (f"{ALLOW}credentials", "true"),
        ("access-control-expose-headers", "x-seen,date"),
    ]


def test_what_is_not_configured_is_not_sent() -> None:
    cors = Cors((PAGE,))

    assert cors.preflight(PAGE) == cors.actual_response(PAGE) == [(f"{ALLOW}origin", PAGE), ("vary", "Origin")]


def test_a_max_age_of_zero_is_sent() -> None:
    assert ("access-control-max-age", "0") in Cors(("*",), max_age=0).preflight(PAGE)


@pytest.mark.parametrize("origin", ["https://other.example.com", "", "https://app.example.com.evil.test", "null"])
def test_an_origin_that_is_not_listed_gets_nothing(origin: str) -> None:
    cors = Cors((PAGE,), ("GET",), ("x-mine",), ("x-seen",), credentials=True, max_age=300)

    assert (cors.preflight(origin), cors.actual_response(origin)) == ([], [])


def test_without_origins_nobody_gets_anything() -> None:
    assert Cors(methods=("GET",)).preflight(PAGE) == []


def test_any_origin_is_answered_with_a_star() -> None:
    assert Cors(("*",)).actual_response(PAGE) == [(f"{ALLOW}origin", "*")]
    assert Cors(("*",)).actual_response("") == []


def test_any_origin_with_credentials_is_answered_by_name() -> None:
    assert Cors(("*",), credentials=True).actual_response(PAGE) == [
        (f"{ALLOW}origin", PAGE),
        ("vary", "Origin"),
        (f"{ALLOW}credentials", "true"),
    ]


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
        ({"AllowOrigins": ["*"] * 101}, "AllowOrigins: it has 101 entries; the limit is 100"),
        ({"AllowMethods": ["OPTIONS"]}, "AllowMethods: 'OPTIONS' is not GET, PUT, HEAD, POST, PATCH, DELETE or *"),
        ({"AllowMethods": ["get"]}, "AllowMethods: 'get' is not GET, PUT, HEAD, POST, PATCH, DELETE or *"),
        ({"AllowMethods": ["GET"] * 7}, "AllowMethods: it has 7 entries; the limit is 6"),
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
