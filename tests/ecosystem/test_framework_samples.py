"""What the samples `fastapi`, `flask`, `django` and `powertools` show beside the answers that are recorded."""

import json
from typing import Any

import pytest

from lambda_streamify_emulator.testing.fixture import Streamify

URL = "/customers/bo/orders"


# --- fastapi ---------------------------------------------------------------------------------------------------------


def test_a_browser_that_has_lost_the_connection_goes_on_behind_the_last_event_that_it_has(samples: Streamify) -> None:
    result = samples.get("fastapi", "/recipes/toast/steps", headers={"last-event-id": "2"})

    assert [(found.id, found.event) for found in result.events] == [("3", "step"), ("3", "done")]


def test_all_recipes_come_as_json_lines_each_when_it_is_there(samples: Streamify) -> None:
    result = samples.get("fastapi", "/recipes")

    assert result.headers["content-type"] == "application/jsonl"
    assert [recipe["name"] for recipe in result.records()] == ["tea", "toast"]
    result.assert_streamed()


def test_what_is_not_there_is_told_before_the_stream(samples: Streamify) -> None:
    result = samples.get("fastapi", "/recipes/soup/steps")

    assert (result.status_code, result.json()) == (404, {"detail": "There is no recipe for soup."})


def test_the_apps_own_pages_lead_to_its_description(samples: Streamify) -> None:
    page, description = samples.get("fastapi", "/docs"), samples.get("fastapi", "/openapi.json").json()

    assert page.status_code == 200
    assert "url: '/openapi.json'" in page.text
    assert set(description["paths"]) == {"/recipes", "/recipes/{name}/steps"}


# --- flask -----------------------------------------------------------------------------------------------------------


def test_the_rows_are_made_with_the_request_at_hand(samples: Streamify) -> None:
    rows = [line.split(",") for line in samples.get("flask", "/north/visits.csv?days=5&least=97").text.splitlines()]

    assert rows == [["day", "visits"], ["2026-01-02", "108"], ["2026-01-03", "97"], ["2026-01-04", "106"]]


def test_a_link_leads_to_the_report(samples: Streamify) -> None:
    index = samples.get("flask")

    assert 'href="/north/visits.csv?days=365"' in index.text
    assert len(samples.get("flask", "/north/visits.csv?days=365").chunks) == 366


# --- django ----------------------------------------------------------------------------------------------------------


def test_a_word_that_is_markup_is_text_on_the_page(samples: Streamify) -> None:
    result = samples.get("django", "/search?word=%3Cb%3E")

    assert result.chunks[0].endswith(b"<h1>Books about &lt;b&gt;</h1><ul>\n")
    assert len(result.chunks) == 5


def test_a_search_for_nothing_is_refused_before_the_stream(samples: Streamify) -> None:
    assert samples.get("django", "/search").status_code == 400


def test_the_index_leads_to_the_search(samples: Streamify) -> None:
    assert 'href="/search?word=tea"' in samples.get("django").text


# --- powertools ------------------------------------------------------------------------------------------------------


def told(samples: Streamify) -> list[Any]:
    """What the function has logged as JSON, in order."""
    return [json.loads(line.text) for line in samples.logs if line.text.startswith("{")]


def test_metrics_that_are_added_while_it_streams_are_emitted_with_it(samples: Streamify) -> None:
    for _ in range(2):
        samples.get("powertools", URL)

    emitted = [record for record in told(samples) if "OrdersSent" in record]
    assert [record["OrdersSent"] for record in emitted] == [[1.0, 1.0, 1.0]] * 2
    assert {record["service"] for record in emitted} == {"orders"}


def test_lines_logged_while_it_streams_tell_of_which_request_and_customer(samples: Streamify) -> None:
    samples.get("powertools", URL)

    lines = [record for record in told(samples) if record.get("message") == "an order"]
    assert [line["order"] for line in lines] == [2, 3, 5]
    assert {line["customer"] for line in lines} == {"bo"}
    assert len({line["correlation_id"] for line in lines}) == 1


def test_keys_of_one_request_do_not_stay_for_the_next(samples: Streamify) -> None:
    samples.get("powertools", URL)
    samples.get("powertools", "/customers/ann/orders")

    *_, last = [record for record in told(samples) if record.get("message") == "an order"]
    assert last["customer"] == "ann"
    assert samples.get("powertools", "/customers/eve/orders").status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/customers"])
def test_what_nobody_routes_is_not_found(samples: Streamify, path: str) -> None:
    assert samples.get("powertools", path).status_code == 404
