"""Errors that a function reports in its stream, as the layer's own helpers write them."""

import json

import pytest

from lambda_streamify import ndjson, sse
from lambda_streamify.client import ServerSentEvent
from lambda_streamify.client._in_band import check_event, check_row
from lambda_streamify.client._sse import EventParser
from lambda_streamify.errors import StreamFailed

REPORTED = "the function reported an error in its stream: LookupError: no more chunks"


def test_the_event_that_sse_writes_for_an_error_is_raised() -> None:
    (event,) = EventParser().feed(sse.error_event(LookupError("no more chunks")).encode())
    with pytest.raises(StreamFailed) as caught:
        check_event(event)

    assert str(caught.value) == REPORTED
    assert caught.value.error_code == "LookupError"
    assert caught.value.error_details == {"errorType": "LookupError", "errorMessage": "no more chunks"}


@pytest.mark.parametrize("data", ["overloaded", '{"message": "overloaded"}', "[]", "[" * 200_000])
def test_an_error_event_in_another_form_is_raised_too(data: str) -> None:
    with pytest.raises(StreamFailed, match=r"^the function reported an error in its stream: ") as caught:
        check_event(ServerSentEvent(data, "error"))

    assert caught.value.error_code is None
    assert caught.value.error_details == ({"message": "overloaded"} if data.startswith("{") else data)


def test_the_line_that_ndjson_writes_for_an_error_is_raised() -> None:
    row = json.loads(json.dumps(ndjson.error_line(LookupError("no more chunks"))))
    with pytest.raises(StreamFailed, match=f"^{REPORTED}$") as caught:
        check_row(row)

    assert caught.value.error_code == "LookupError"


@pytest.mark.parametrize("row", [None, 1, [], {}, {"error": None}, {"error": {"code": 1}}, {"error": {}, "row": 1}])
def test_another_row_is_only_a_row(row: object) -> None:
    check_row(row)


def test_another_event_is_only_an_event() -> None:
    check_event(ServerSentEvent('{"errorType": "E", "errorMessage": "m"}'))
