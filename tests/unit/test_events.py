"""Each file in events/ is what its name says."""

import json
import re

import pytest

from lambda_streamify._response import sources
from lambda_streamify._response.sources import Source
from processes import ROOT
from request_events import FOLDER, event

SOURCES = {
    # The samples' own, which are requests to their URLs.
    **{path.parent.name: sources.FUNCTION_URL for path in sorted((ROOT / "functions").glob("*/app.py"))},
    "function-url": sources.FUNCTION_URL,
    "function-url-body": sources.FUNCTION_URL,
    "function-url-cookies": sources.FUNCTION_URL,
    "function-url-iam": sources.FUNCTION_URL,
    "rest-api": sources.REST_API,
    "http-api": sources.HTTP_API,
    "http-api-v1": sources.HTTP_API,
    "alb": sources.LOAD_BALANCER,
    "websocket": sources.WEBSOCKET,  # of a sample too
    "sqs": sources.DIRECT,
    "direct": sources.DIRECT,
}


def test_every_file_is_known_and_every_sample_has_one() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SOURCES)


@pytest.mark.parametrize(("name", "source"), SOURCES.items(), ids=SOURCES)
def test_an_event_is_of_the_caller_that_it_is_named_after(name: str, source: Source) -> None:
    assert sources.source_of(event(name)) is source


def test_the_body_is_a_posted_json_object() -> None:
    posted = event("function-url-body")

    assert posted["requestContext"]["http"]["method"] == "POST"
    assert isinstance(json.loads(posted["body"]), dict)
    assert posted["headers"]["content-length"] == str(len(posted["body"].encode()))


def test_the_cookies_stand_in_both_places_as_function_urls_send_them() -> None:
    sent = event("function-url-cookies")

    assert len(sent["cookies"]) > 1
    assert "; ".join(sent["cookies"]) == sent["headers"]["cookie"]


def test_the_signed_request_names_who_signed_it() -> None:
    context = event("function-url-iam")["requestContext"]

    assert context["authorizer"]["iam"]["accountId"] == context["accountId"] == "123456789012"


@pytest.mark.parametrize(("name", "version"), [("http-api", "2.0"), ("http-api-v1", "1.0"), ("function-url", "2.0")])
def test_the_payload_format_is_named(name: str, version: str) -> None:
    assert event(name)["version"] == version


@pytest.mark.parametrize("name", SOURCES)
def test_no_event_holds_an_account_or_an_address_that_may_be_somebodys(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()

    assert set(re.findall(r"(?<![\w.])\d{12}(?![\w.])", text)) <= {"123456789012"}
    for address in re.findall(r"\d+\.\d+\.\d+\.\d+", text):
        assert address.startswith(("203.0.113.", "198.51.100.")), "not of the ranges for examples (RFC 5737)"
