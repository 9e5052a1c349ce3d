import json

import pytest

from lambda_streamify_emulator.analysis.envelope import LIMIT_BYTES, PRELUDE, PROXY, EnvelopeCheck

NULS = bytes(8)


def form(*chunks: bytes) -> str | None:
    check = EnvelopeCheck()
    for chunk in chunks:
        check.add(chunk)
    return check.form


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"statusCode": 200, "body": "x"}', PROXY),
        (b'{"statusCode": "404", "headers": {}, "multiValueHeaders": {}, "isBase64Encoded": false, "body": ""}', PROXY),
        (b'{"statusCode": 200, "cookies": []}' + NULS, PRELUDE),
        (b'{"statusCode": 200, "headers": {}}' + NULS + b"\xff{", PRELUDE),
        (b'{"statusCode": 404, "message": "Not Found"}', None),  # an error as web frameworks write it
        (b'{"statusCode": 200}', None),
        (b'{"body": "x", "headers": {}}', None),
        (b'{"statusCode": 200, "body": "x"', None),
        (b'["statusCode"]', None),
        (b"hello", None),
        (NULS, None),
        (b"", None),
    ],
)
def test_a_body_is_an_envelope_if_it_has_nothing_but_its_fields(body: bytes, expected: str | None) -> None:
    assert form(body) == expected
    assert form(*(body[i : i + 1] for i in range(len(body)))) == expected


def test_a_body_longer_than_a_response_that_is_not_streamed_is_no_envelope() -> None:
    assert form(json.dumps({"statusCode": 200, "body": "x" * (LIMIT_BYTES - 100)}).encode()) == PROXY
    assert form(json.dumps({"statusCode": 200, "body": "x" * LIMIT_BYTES}).encode()) is None
