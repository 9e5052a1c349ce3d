import json
import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from botocore_clock import botocore_now
from lambda_streamify_emulator.urls.event import url_event
from lambda_streamify_emulator.web.iam import SCOPE, Iam
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.signing import sign
from lambda_streamify_emulator.web.sigv4 import Credentials
from processes import ROOT

NOW = 1_785_096_000.0
PLAIN = Request("GET", "/report", "", [("host", "127.0.0.1:4001"), ("authorization", "Bearer mine")], "127.0.0.1", b"")
UNSIGNED = replace(PLAIN, headers=PLAIN.headers[:1])


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    botocore_now(monkeypatch, datetime.fromtimestamp(NOW, timezone.utc))


def iam() -> Iam:
    return Iam(lambda: NOW)


def signed(credentials: Credentials) -> Request:
    return replace(UNSIGNED, headers=[*UNSIGNED.headers, *sign(UNSIGNED, credentials, SCOPE)])


def test_the_credentials_are_new_each_time_look_like_awss_and_need_no_quotes() -> None:
    first, second = iam().credentials, iam().credentials

    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", first.access_key)
    assert re.fullmatch(r"[A-Za-z0-9]{40}", first.secret_key)
    assert first.access_key != second.access_key
    assert first.secret_key != second.secret_key


def test_a_request_signed_by_the_user_is_accepted() -> None:
    user = iam()

    assert user.reject(signed(user.credentials)) is None


def test_a_request_that_is_not_signed_is_forbidden() -> None:
    message = (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    )
    for request in (UNSIGNED, PLAIN):
        rejection = iam().reject(request)

        assert rejection is not None
        assert json.loads(rejection.body) == {"Message": message}
        assert dict(rejection.headers)["x-amzn-errortype"] == "AccessDeniedException"
        assert dict(rejection.headers)["content-type"] == "application/json"
        assert rejection.note == ("the request is not signed, and the URL's AuthType is AWS_IAM; the client gets 403")


def test_what_the_canonical_request_is_is_told_to_the_developer_and_not_to_the_client() -> None:
    user = iam()

    rejection = user.reject(signed(replace(user.credentials, secret_key="another")))  # noqa: S106 - an example

    assert rejection is not None
    report = json.loads(rejection.body)
    assert list(report) == ["message"]
    assert report["message"].startswith(
        "The request signature we calculated does not match the signature you provided."
    )
    assert dict(rejection.headers)["x-amzn-errortype"] == "InvalidSignatureException"
    assert rejection.note.startswith(
        r"the signature does not match; the canonical request is 'GET\n/report\n\nhost:127.0.0.1:4001\n"
    )


def test_another_refusal_is_told_to_both() -> None:
    rejection = iam().reject(signed(iam().credentials))

    assert rejection is not None
    assert json.loads(rejection.body) == {"message": "The security token included in the request is invalid."}
    assert rejection.note == "The security token included in the request is invalid.; the client gets 403"


def test_the_event_names_the_user_as_awss_does_and_does_not_hold_the_signature() -> None:
    user = iam()

    event = user.identify(url_event(signed(user.credentials), "hello", "Root=1", NOW, request_id="one"))

    expected = json.loads((ROOT / "events" / "function-url-iam.json").read_text())
    assert set(event["requestContext"]) == set(expected["requestContext"])
    assert event["requestContext"]["accountId"] == expected["requestContext"]["accountId"]
    caller = event["requestContext"]["authorizer"]["iam"]
    assert list(event["requestContext"]["authorizer"]) == ["iam"]
    assert set(caller) == set(expected["requestContext"]["authorizer"]["iam"])
    assert (caller["accessKey"], caller["accountId"]) == (user.credentials.access_key, "123456789012")
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", caller["userId"])
    assert caller["callerId"] == caller["userId"]
    assert caller["userArn"] == "arn:aws:iam::123456789012:user/streamify"
    assert "authorization" not in event["headers"]
    assert "x-amz-date" in event["headers"]


def test_what_others_need_to_sign_is_described() -> None:
    user = iam()

    assert user.describe() == {
        "access_key_id": user.credentials.access_key,
        "secret_access_key": user.credentials.secret_key,
        "region": "us-east-1",
    }
