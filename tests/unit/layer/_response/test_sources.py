from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, LOAD_BALANCER, REST_API, WEBSOCKET
from lambda_streamify._response import sources
from lambda_streamify._response.sources import COLLECTED, JSON, PRELUDE, RAW, Source

EVENTS = [
    (FUNCTION_URL, sources.FUNCTION_URL),
    (REST_API, sources.REST_API),
    (HTTP_API, sources.HTTP_API),
    ({**REST_API, "version": "1.0"}, sources.HTTP_API),
    (LOAD_BALANCER, sources.LOAD_BALANCER),
    (WEBSOCKET, sources.WEBSOCKET),
    (DIRECT, sources.DIRECT),
]


@pytest.mark.parametrize(("event", "source"), EVENTS, ids=lambda value: getattr(value, "name", ""))
def test_each_service_is_recognised_by_its_event(event: dict[str, Any], source: Source) -> None:
    assert sources.source_of(event) is source
    assert source.is_http == (source is not sources.DIRECT)


@pytest.mark.parametrize(
    "event",
    [
        None,
        "text",
        b"bytes",
        5,
        [FUNCTION_URL],
        {},
        {"requestContext": None},
        {"requestContext": "text"},
        {"requestContext": {}},
        {"requestContext": {"domainName": None}},
        {"requestContext": {"functionArn": "arn", "condition": "Success"}},  # an asynchronous destination
        {"httpMethod": "GET"},
        {"httpMethod": "GET", "requestContext": {}},
        {"Records": [{"eventSource": "aws:sqs"}]},
    ],
)
def test_any_other_event_is_a_direct_invocation(event: object) -> None:
    assert sources.source_of(event) is sources.DIRECT


ANSWERS = {
    # source: (a plain value, a stream) under auto, then under response_stream
    sources.FUNCTION_URL: ((PRELUDE, PRELUDE), (PRELUDE, PRELUDE)),
    sources.REST_API: ((JSON, PRELUDE), (PRELUDE, PRELUDE)),
    sources.HTTP_API: ((JSON, COLLECTED), (JSON, COLLECTED)),
    sources.LOAD_BALANCER: ((JSON, COLLECTED), (JSON, COLLECTED)),
    sources.WEBSOCKET: ((JSON, COLLECTED), (JSON, COLLECTED)),
    sources.DIRECT: ((JSON, RAW), (JSON, RAW)),
}


@pytest.mark.parametrize("source", sources.SOURCES, ids=lambda source: source.name)
def test_each_source_has_its_response_formats(source: Source) -> None:
    def pair(mode: str) -> tuple[str, str]:
        return source.response_format(mode, streamed=False), source.response_format(mode, streamed=True)

    assert (pair(sources.AUTO), pair(sources.RESPONSE_STREAM)) == ANSWERS[source]
    assert pair(sources.BUFFERED) == (JSON, COLLECTED)


def test_the_mode_has_three_values() -> None:
    assert sources.MODES == ("auto", "response_stream", "buffered")


@pytest.mark.parametrize(
    ("event", "method"),
    [
        (FUNCTION_URL, "GET"),
        ({"requestContext": {"http": {"method": "HEAD"}}}, "HEAD"),
        (REST_API, "GET"),
        (LOAD_BALANCER, "GET"),
        (HTTP_API, "None"),
        (WEBSOCKET, "None"),
        ({"httpMethod": "HEAD", "requestContext": {"http": "text"}}, "HEAD"),
    ],
)
def test_the_method_is_found_in_either_format(event: dict[str, Any], method: str) -> None:
    assert sources.http_method(event) == method


MULTI_VALUE: dict[str, Any] = {**LOAD_BALANCER, "multiValueHeaders": {}}


@pytest.mark.parametrize(
    ("event", "style"),
    [
        (REST_API, sources.REPEATED),
        ({**REST_API, "version": "1.0", "multiValueHeaders": {}}, sources.REPEATED),
        (LOAD_BALANCER, sources.SINGLE),
        (MULTI_VALUE, sources.ALL_REPEATED),
        (HTTP_API, sources.COOKIES),
        (FUNCTION_URL, sources.COOKIES),
        (WEBSOCKET, sources.COOKIES),
        ({"httpMethod": "GET"}, sources.COOKIES),
        (None, sources.COOKIES),
    ],
)
def test_the_event_decides_the_header_style(event: object, style: str) -> None:
    assert sources.header_style(event) == style
