import json
from typing import Any

import pytest
from botocore.session import get_session

from lambda_streamify_emulator.lambda_api.refusals import Refused, answer

MODEL: Any = get_session().get_service_model("lambda")
SHAPES = {shape.name: list(shape.members) for shape in MODEL.error_shapes}


@pytest.mark.parametrize(
    ("status", "error_type", "reason"),
    [
        (400, "InvalidParameterValueException", None),
        (400, "InvalidRequestContentException", None),
        (404, "ResourceNotFoundException", None),
        (413, "RequestTooLargeException", None),
        (415, "UnsupportedMediaTypeException", None),
        (429, "TooManyRequestsException", "CallerRateLimitExceeded"),
    ],
)
def test_an_answer_has_the_members_that_the_model_names(status: int, error_type: str, reason: str | None) -> None:
    response = answer(Refused(status, error_type, "no", reason))
    report = json.loads(bytes(response.body))

    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, error_type)
    assert report.keys() <= set(SHAPES[error_type])
    assert (report.get("message", report.get("Message")), report.get("Reason")) == ("no", reason)


def test_a_validation_exception_is_a_message_alone() -> None:
    assert json.loads(bytes(answer(Refused(400, "ValidationException", "no")).body)) == {"message": "no"}
