from datetime import datetime, timezone

import pytest

from botocore_clock import botocore_now
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.signing import sign
from lambda_streamify_emulator.web.sigv4 import Credentials, Scope, refusal

NOW = datetime(2026, 7, 26, 20, 0, tzinfo=timezone.utc)
KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION = Credentials(KEY.access_key, KEY.secret_key, "a/token+of=a session")
SCOPE = Scope("us-east-1")
HOST = ("Host", "127.0.0.1:4001")
REQUESTS = {
    "plain": Request("GET", "/", "", [HOST], "", b""),
    "post": Request("POST", "/a%2Fb", "c=d&c=e%20f", [HOST, ("content-type", "application/json")], "", b"{}"),
    "own headers": Request("GET", "/", "", [HOST, ("x-amz-meta", "a  b"), ("accept", "*/*")], "", b""),
    "query": Request("GET", "/a%2Fb/../c", "d=e:f&d=%20&g&h=a+b&i=%ff&=j", [HOST], "", b""),
    "no path": Request("GET", "", "a=b", [HOST], "", b""),
    "binary": Request("PUT", "/", "", [HOST], "", bytes(range(256))),
}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    botocore_now(monkeypatch, NOW)


@pytest.mark.parametrize("credentials", [KEY, SESSION], ids=["key", "session"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_signed_request_is_let_in(request_: Request, credentials: Credentials) -> None:
    added = sign(request_, credentials, SCOPE)

    sent = Request(request_.method, request_.path, request_.query, [*request_.headers, *added], "", request_.body)
    assert refusal(sent, credentials, SCOPE, NOW.timestamp()) is None


def test_headers_that_proxies_change_are_not_signed() -> None:
    added = dict(sign(REQUESTS["own headers"], SESSION, SCOPE))

    assert "SignedHeaders=host;x-amz-date;x-amz-meta;x-amz-security-token," in added["authorization"]
    assert added["x-amz-security-token"] == SESSION.token
