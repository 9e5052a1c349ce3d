import pytest

from lambda_streamify_emulator.attach.callers import callers
from lambda_streamify_emulator.attach.snapshot import LATEST, Alias, EventSource, Function, Integration, Statement, Url

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


def gets(via: str, **known: object) -> dict[str, str]:
    function = Function("orders", ARN, **known)  # type: ignore[arg-type]
    return {caller.who: caller.gets for caller in callers(function, via)}


def test_a_second_function_changes_nothing_for_anybody() -> None:
    found = gets(
        "second-function", urls=(Url(LATEST, "u", "NONE", streams=False),), event_sources=(EventSource(LATEST, "q"),)
    )
    assert all(text.startswith("the same as before") for text in found.values())


def test_an_alias_on_a_version_stays_as_it_is_and_one_on_latest_does_not() -> None:
    found = gets(
        "in-place-buffered",
        aliases=(Alias("old", ("1",)), Alias("new", ("1", LATEST))),
        urls=(Url("old", "https://old/", "NONE", streams=False), Url("new", "https://new/", "NONE", streams=False)),
    )
    assert found["the URL https://old/ (BUFFERED, NONE)"].startswith("the same as before")
    assert found["the URL https://new/ (BUFFERED, NONE)"].startswith("the same answers as before")


@pytest.mark.parametrize(
    ("integration", "words"),
    [
        (Integration(LATEST, "a", "HTTP"), "a stream is collected"),
        (Integration(LATEST, "a", "REST"), "only through an integration that streams"),
        (Integration(LATEST, "a", "REST", streams=True), "streams"),
    ],
)
def test_an_api_gets_what_it_can_take(integration: Integration, words: str) -> None:
    assert words in gets("in-place", integrations=(integration,))[f"the {integration.kind} API a"]


def test_the_public_statements_of_a_url_and_those_of_an_api_that_was_read_are_not_callers_of_their_own() -> None:
    found = gets(
        "in-place",
        urls=(Url(LATEST, "u", "NONE", streams=True),),
        integrations=(Integration(LATEST, "a", "HTTP"),),
        statements=(
            Statement(LATEST, "1", "*"),
            Statement(LATEST, "2", "apigateway.amazonaws.com"),
            Statement(LATEST, "3", "s3.amazonaws.com", "arn:aws:s3:::b"),
            Statement(LATEST, "4", "arn:aws:iam::210987654321:root"),
        ),
    )
    assert list(found)[2:] == [
        "S3 (arn:aws:s3:::b)",
        "the principal arn:aws:iam::210987654321:root",
        "SDKs, by Invoke",
    ]
