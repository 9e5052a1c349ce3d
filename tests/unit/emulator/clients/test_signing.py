import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from botocore_clock import botocore_now
from lambda_streamify_emulator.clients import signing
from lambda_streamify_emulator.clients.signing import Signer, find_signer, is_unsigned
from lambda_streamify_emulator.clients.url_client import ask
from lambda_streamify_emulator.recordings.recording import Event
from lambda_streamify_emulator.web.iam import SCOPE, Iam
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.sigv4 import Credentials, refusal
from scripted_api import Peer, ScriptedApi, reply

NOW = datetime(2026, 7, 26, 20, 0, tzinfo=timezone.utc)
KEY = Credentials("AKIDEXAMPLE", "secret")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's account, and forget the signers of other tests."""
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setattr(signing, "_signers", {})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:4001/a%2Fb?c=d", "127.0.0.1:4001"),
        ("http://localhost", "localhost"),
        ("http://localhost:80/", "localhost"),
        ("http://localhost:443/", "localhost:443"),
        ("https://a.lambda-url.us-east-1.on.aws:443/", "a.lambda-url.us-east-1.on.aws"),
        ("http://[::1]:4001/", "[::1]:4001"),
    ],
)
@pytest.mark.parametrize("body", [None, b"{}"])
def test_the_signature_fits_the_request_that_is_sent(
    url: str, host: str, body: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    botocore_now(monkeypatch, NOW)
    headers = {"content-type": "application/json"} if body else {}
    method = "POST" if body else "GET"

    added = Signer(lambda: KEY, SCOPE).headers(method, url, headers, body)

    target = url.split("/", 3)[3:]
    path, _, query = f"/{target[0] if target else ''}".partition("?")
    sent = [("Host", host), ("Accept-Encoding", "identity"), *headers.items(), *added.items()]
    assert refusal(Request(method, path, query, sent, "", body or b""), KEY, SCOPE, NOW.timestamp()) is None


@pytest.mark.parametrize(
    ("status", "error_type", "expected"),
    [
        (403, "AccessDeniedException", True),
        (403, "InvalidSignatureException", False),
        (403, None, False),
        (200, "AccessDeniedException", False),
    ],
)
def test_a_refusal_of_an_unsigned_request_is_recognised(status: int, error_type: str | None, *, expected: bool) -> None:
    assert is_unsigned(status, error_type) is expected


def serve_credentials(iam: Iam, monkeypatch: pytest.MonkeyPatch) -> ScriptedApi:
    api = ScriptedApi(lambda peer: peer.answer(reply(200, json.dumps(iam.describe()).encode())))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
    return api


@pytest.mark.parametrize("host", ["127.0.0.1:4001", "localhost:4001", "[::1]:4001"])
def test_a_url_on_this_machine_is_signed_as_the_emulators_user(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    iam = Iam()
    with serve_credentials(iam, monkeypatch) as api:
        signer = find_signer(f"http://{host}/")

    assert signer is not None
    assert api.requests[0].startswith(b"GET /_streamify/credentials HTTP/1.1\r\n")
    added = signer.headers("GET", f"http://{host}/", {}, None)
    assert f"Credential={iam.credentials.access_key}/" in added["authorization"]
    assert "us-east-1/lambda/aws4_request" in added["authorization"]


@pytest.mark.parametrize(
    "answer", [reply(200, b"no json"), reply(200, b"[]"), reply(404, b'{"Message": ""}'), b"no HTTP"]
)
def test_without_credentials_of_an_emulator_those_of_the_environment_are_used(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"ACCESS_KEY_ID": "mine", "SECRET_ACCESS_KEY": "mine", "SESSION_TOKEN": "token"}
    with ScriptedApi(lambda peer: peer.answer(answer)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        assert find_signer("http://127.0.0.1:4001/") is None
    for name, value in {**environment, "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with ScriptedApi(lambda peer: peer.answer(answer)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        signer = find_signer("http://127.0.0.1:4001/")

    assert signer is not None
    added = signer.headers("GET", "http://127.0.0.1:4001/", {}, None)
    assert added["x-amz-security-token"] == "token"
    assert "/eu-west-1/lambda/" in added["authorization"]


def test_a_url_on_aws_is_signed_for_its_region_with_the_credentials_of_boto3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id = profile\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    url = "https://abc.lambda-url.eu-west-3.on.aws/"

    signer = find_signer(url)

    assert signer is not None
    authorization = signer.headers("GET", url, {}, None)["authorization"]
    assert "Credential=profile/" in authorization
    assert "/eu-west-3/lambda/aws4_request" in authorization


@pytest.mark.parametrize(
    "url", ["https://abc.lambda-url.eu-west-3.on.aws/", "http://127.0.0.1:4001/", "https://example.com/"]
)
def test_without_credentials_nothing_is_signed(url: str) -> None:
    assert find_signer(url) is None


@pytest.mark.parametrize("host", ["example.com", "abc.lambda-url.eu-west-3.on.aws.example.com", "192.0.2.1"])
def test_other_hosts_get_no_signature(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION"):
        monkeypatch.setenv(f"AWS_{name}", "mine")

    assert find_signer(f"https://{host}/") is None


# --- the client that uses it -----------------------------------------------------------------------------------------

UNSIGNED = reply(403, b'{"Message":"Forbidden"}', "x-amzn-errortype: AccessDeniedException")


def ask_scripted(*answers: bytes, **arguments: Any) -> tuple[list[Event], list[bytes]]:
    ticks = iter(range(1000))
    waiting = iter(answers)

    def script(peer: Peer) -> None:
        for answer in waiting:
            peer.answer(answer)

    with ScriptedApi(script) as api:
        return list(ask(f"http://{api.address}/a?b=c", clock=lambda: next(ticks), **arguments)), api.requests


def test_a_refused_unsigned_request_is_sent_again_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    iam = Iam()
    with serve_credentials(iam, monkeypatch):
        events, requests = ask_scripted(UNSIGNED, reply(200, b"let in"), body=b"{}", headers={"content-type": "x/y"})

    assert [(event.code, event.chunk) for event in events[1:]] == [("o", b"let in"), ("x", None)]
    assert events[0].time == 1_000_000  # since the second request
    assert events[0].data["status_code"] == 200
    first, second = requests
    assert b"authorization" not in first.lower()
    lines, _, body = second.partition(b"\r\n\r\n")
    method, target, _ = lines.split(b"\r\n")[0].decode().split()
    fields = [line.split(": ", 1) for line in lines.decode().split("\r\n")[1:]]
    path, _, query = target.partition("?")
    headers = [(name, value) for name, value in fields]
    assert iam.reject(Request(method, path, query, headers, "", body)) is None


def test_the_next_request_is_signed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(peer: Peer) -> None:
        peer.answer(UNSIGNED)
        peer.answer(reply(200, b"a"))

    def second(peer: Peer) -> None:
        peer.answer(reply(200, b"b"))

    with serve_credentials(Iam(), monkeypatch), ScriptedApi(first, second) as api:
        chunks = [[event.chunk for event in ask(f"http://{api.address}/") if event.chunk] for _ in range(2)]

    assert chunks == [[b"a"], [b"b"]]
    assert [b"authorization: AWS4" in request for request in api.requests] == [False, True, True]


@pytest.mark.parametrize("answer", [UNSIGNED, reply(403, b"no", "x-amzn-errortype: InvalidSignatureException")])
def test_a_refusal_that_a_signature_cannot_change_is_the_response(answer: bytes) -> None:
    events, requests = ask_scripted(answer)

    assert events[0].data["status_code"] == 403
    assert len(requests) == 1


def test_an_emulator_is_asked_for_credentials_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serve_credentials(Iam(), monkeypatch):
        assert find_signer("http://127.0.0.1:4001/") is not None
