from pathlib import Path

import pytest

from checked_template import EVENT, GOOD, MODE, TIMEOUT, check, rules, the_one, with_change

REST = GOOD + EVENT
TIMED = "            TimeoutInMillis: 60000\n"


@pytest.mark.parametrize(("timeout", "at"), [("      Timeout: 9\n", "Timeout: 9"), ("", "Hello:")])
def test_a_timeout_that_cuts_streams(tmp_path: Path, timeout: str, at: str) -> None:
    found = the_one(tmp_path, with_change((TIMEOUT, timeout)), rule="short-timeout", at=at)

    assert found.severity == "warning"
    assert f"{'9' if timeout else '3'} s" in found.problem


def test_ten_seconds_are_enough(tmp_path: Path) -> None:
    assert check(tmp_path, with_change((TIMEOUT, "      Timeout: 10\n"))) == []


def test_a_function_that_does_not_stream_may_be_short(tmp_path: Path) -> None:
    text = with_change((MODE, ""), (TIMEOUT, ""))

    assert "short-timeout" not in rules(check(tmp_path, text))


def test_the_timeout_of_the_globals_counts(tmp_path: Path) -> None:
    text = with_change(("Resources:\n", "Globals:\n  Function:\n    Timeout: 5\nResources:\n"), (TIMEOUT, ""))

    the_one(tmp_path, text, rule="short-timeout", at="    Timeout: 5")


@pytest.mark.parametrize(("timed", "said"), [("", "29 s"), ("            TimeoutInMillis: 50000\n", "50000")])
def test_an_integration_that_ends_before_its_function(tmp_path: Path, timed: str, said: str) -> None:
    text = with_change((TIMED, timed), text=REST)

    found = the_one(tmp_path, text, rule="integration-timeout", at="TimeoutInMillis" if timed else "Properties")

    assert (found.severity, found.fix) == ("warning", "TimeoutInMillis: 60000")
    assert said in found.problem


def test_an_integration_that_does_not_stream_may_end_before(tmp_path: Path) -> None:
    text = with_change((TIMED, ""), ("TransferMode: RESPONSE_STREAM", "TransferMode: BUFFERED"), text=REST)

    assert check(tmp_path, text) == []


@pytest.mark.parametrize(
    ("endpoint", "at"),
    [
        ("", "Api:"),
        ("      EndpointConfiguration: EDGE\n", "EDGE"),
        ("      EndpointConfiguration: {Type: EDGE}\n", "EDGE"),
    ],
)
def test_an_edge_optimized_endpoint(tmp_path: Path, endpoint: str, at: str) -> None:
    text = with_change(("      EndpointConfiguration: {Type: REGIONAL}\n", endpoint), text=REST)

    assert the_one(tmp_path, text, rule="edge-endpoint", at=at).severity == "warning"


def test_the_api_that_sam_makes_of_events_is_edge_optimized(tmp_path: Path) -> None:
    text = with_change(("            RestApiId: !Ref Api\n", ""), text=REST)

    the_one(tmp_path, text, rule="edge-endpoint", at="Properties")


def test_globals_may_set_the_endpoint(tmp_path: Path) -> None:
    section = "Globals:\n  Api:\n    EndpointConfiguration: {Type: REGIONAL}\nResources:\n"
    text = with_change(("            RestApiId: !Ref Api\n", ""), ("Resources:\n", section), text=REST)

    assert check(tmp_path, text) == []
