import json
from typing import Any

import pytest

from lambda_streamify_emulator.extensions.subscription import (
    LOGS,
    TELEMETRY,
    Destination,
    InvalidSubscription,
    Subscription,
    read_subscription,
)

REQUEST: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/telemetry?a=1"},
}


def body(**fields: Any) -> bytes:
    return json.dumps({**REQUEST, **fields}).encode()


def test_what_is_not_said_has_lambdas_defaults() -> None:
    expected = Subscription(
        TELEMETRY,
        "2022-12-13",
        ("platform", "function"),
        Destination(8080, "POST", "/telemetry?a=1"),
        max_items=10_000,
        max_bytes=262_144,
        timeout_s=1.0,
    )

    assert read_subscription(body(), TELEMETRY) == expected


def test_everything_may_be_said() -> None:
    buffering = {"maxItems": 1_000, "maxBytes": 1_048_576, "timeoutMs": 25}

    read = read_subscription(body(buffering=buffering, destination={"protocol": "TCP", "port": 99}), TELEMETRY)

    assert (read.max_items, read.max_bytes, read.timeout_s) == (1_000, 1_048_576, 0.025)
    assert read.destination == Destination(99, None)


def test_the_logs_api_has_a_default_version_and_another_method() -> None:
    destination = {"protocol": "HTTP", "URI": "http://sandbox:1", "method": "PUT"}
    request = json.dumps({"types": ["platform"], "destination": destination}).encode()

    read = read_subscription(request, LOGS)

    assert (read.version, read.destination) == ("2020-08-15", Destination(1, "PUT", "/"))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schemaVersion": None}, "schemaVersion is None instead of one of 2022-07-01, 2022-12-13, 2025-01-29"),
    ({"schemaVersion": "2021-03-18"}, "schemaVersion is '2021-03-18' instead"),
    ({"types": []}, "types should not be empty"),
    ({"types": ["logs"]}, "types: 'logs' is none of platform, function, extension"),
    ({"types": [["platform"]]}, "types: ['platform'] is none of"),
    ({"destination": None}, "destination is missing"),
    ({"destination": {"protocol": "UDP"}}, "destination.protocol is 'UDP' instead of HTTP or TCP"),
    ({"destination": {"protocol": "TCP"}}, "the destination's port is None instead of a number from 1 to 65535"),
    ({"destination": {"protocol": "HTTP"}}, "destination.URI is None instead of http://sandbox.localdomain:PORT"),
    ({"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain"}}, "URI port is not provided"),
    ({"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:x"}}, "destination.URI: Port"),
    ({"destination": {"protocol": "HTTP", "URI": "http://example.com:80"}}, "destination.URI is 'http://example.com"),
    ({"destination": {"protocol": "HTTP", "URI": "https://sandbox:80"}}, "destination.URI is 'https://sandbox:80'"),
    ({"destination": {"protocol": "HTTP", "URI": "http://sandbox:9001"}}, "the destination's port is 9001, which"),
    ({"buffering": {"maxItems": 999}}, "buffering.maxItems is 999 instead of a number from 1000 to 10000"),
    ({"buffering": {"maxBytes": 1}}, "buffering.maxBytes is 1 instead of a number from 262144 to 1048576"),
    ({"buffering": {"timeoutMs": True}}, "buffering.timeoutMs is True instead of a number from 25 to 30000"),
    ({"buffering": 1}, "buffering is not an object"),
]


@pytest.mark.parametrize(("fields", "problem"), WRONG)
def test_what_is_wrong_is_named(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidSubscription) as raised:
        read_subscription(body(**fields), TELEMETRY)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidSubscription, match=r"^the body is not"):
        read_subscription(text, TELEMETRY)


def test_the_method_is_post_or_put() -> None:
    destination = {"protocol": "HTTP", "URI": "http://sandbox:1", "method": "GET"}
    request = json.dumps({"types": ["platform"], "destination": destination}).encode()

    with pytest.raises(InvalidSubscription, match=r"^destination\.method is 'GET' instead of POST or PUT$"):
        read_subscription(request, LOGS)
