"""Signatures for IAM. tests/ecosystem/test_reading_over_http.py sends signed requests."""

from typing import Any

import pytest
from botocore.credentials import Credentials

from lambda_streamify.client import SigV4
from lambda_streamify.client._request import Request
from lambda_streamify.client._signing import of_address
from lambda_streamify.errors import RequestError

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")
FUNCTION_URL = "https://abc.lambda-url.eu-west-1.on.aws/path?b=2&a=1"


def scope(signer: SigV4, url: str) -> str:
    """Return the region and the service that a signature is for."""
    authorization = signer.headers(Request(url))["authorization"]
    return "/".join(authorization.partition("Credential=AKIDEXAMPLE/")[2].partition("/aws4_request")[0].split("/")[1:])


@pytest.fixture(autouse=True)
def _no_settings_of_the_developers(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("abc.lambda-url.eu-west-1.on.aws", ("lambda", "eu-west-1")),
        ("abc.execute-api.eu-west-1.amazonaws.com", ("execute-api", "eu-west-1")),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", ("execute-api", "cn-north-1")),
        ("api.example.com", ("lambda", None)),
        ("127.0.0.1", ("lambda", None)),
    ],
)
def test_an_address_of_aws_names_service_and_region(host: str, expected: tuple[str, str | None]) -> None:
    assert of_address(host) == expected


@pytest.mark.parametrize(
    ("signer", "url", "expected"),
    [
        (SigV4(credentials=CREDENTIALS), FUNCTION_URL, "eu-west-1/lambda"),
        (SigV4(credentials=CREDENTIALS, region="us-east-1"), FUNCTION_URL, "us-east-1/lambda"),
        (
            SigV4(credentials=CREDENTIALS, region="us-east-1", service="execute-api"),
            "https://api.example.com/",
            "us-east-1/execute-api",
        ),
    ],
)
def test_a_signature_is_for_a_service_in_a_region(signer: SigV4, url: str, expected: str) -> None:
    assert scope(signer, url) == expected


def test_a_signature_holds_the_token_and_signs_what_proxies_leave_alone() -> None:
    headers = SigV4(credentials=CREDENTIALS).headers(
        Request(FUNCTION_URL, json=1, headers={"X-Amz-Meta": "1", "X-A": "1"})
    )

    assert set(headers) == {"authorization", "x-amz-date", "x-amz-security-token"}
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-meta;x-amz-security-token," in headers["authorization"]


def test_botocore_finds_credentials_and_region_as_the_aws_cli_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")

    assert scope(SigV4(), "http://127.0.0.1:4001/") == "ap-south-1/lambda"


def test_missing_credentials_are_named() -> None:
    with pytest.raises(RequestError, match="botocore finds no credentials"):
        SigV4().headers(Request(FUNCTION_URL))


def test_a_missing_region_is_named() -> None:
    with pytest.raises(RequestError, match=r"neither 127\.0\.0\.1 nor botocore's settings name a region"):
        SigV4(credentials=CREDENTIALS).headers(Request("http://127.0.0.1:4001/"))


def test_a_missing_botocore_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(RequestError, match="pip install botocore"):
        SigV4(credentials=CREDENTIALS).headers(Request(FUNCTION_URL))
