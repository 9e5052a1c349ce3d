import json
from pathlib import Path
from typing import get_type_hints

import pytest

from lambda_streamify import FunctionUrlEvent
from processes import ROOT

EVENTS = [path for path in sorted((ROOT / "events").glob("*.json")) if "lambda-url" in path.read_text()]


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_samples_of_function_url_events_have_the_fields_of_the_type_and_no_others(path: Path) -> None:
    event = json.loads(path.read_text())
    fields = get_type_hints(FunctionUrlEvent)

    assert set(event) <= set(fields)
    assert FunctionUrlEvent.__required_keys__ <= set(event)
    assert set(event["requestContext"]) <= set(get_type_hints(fields["requestContext"]))


def test_there_are_samples() -> None:
    assert EVENTS
