"""Who calls the sample `agent`: tokens of an issuer on this machine, good and bad, and callers that sign for IAM."""

import base64
import json
import re
import sys
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from socket import socket
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from processes import ROOT, clean_environment, run
from request_events import event
from token_issuer import AUDIENCE, CONFIGURATION, KEYS, TokenIssuer, forged, issuing, request

AUTH = ROOT / "functions" / "agent" / "auth.py"
# RFC 6750, section 3: what a description may consist of, without escapes.
CHALLENGE = re.compile(r'Bearer error="invalid_token", error_description="[ !#-\[\]-~]+"')


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module as a new execution environment has it: without any keys."""
    for name in ("JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL", "JWT_HEADER"):
        monkeypatch.delenv(name, raising=False)
    spec = spec_from_file_location("sample_agent_auth", AUTH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def server() -> Iterator[TokenIssuer]:
    with issuing() as running:
        yield running


@pytest.fixture
def issuer(server: TokenIssuer, auth: Any, monkeypatch: pytest.MonkeyPatch) -> TokenIssuer:
    """The issuer whose tokens the function accepts."""
    assert auth.issuer_keys.cache_info().currsize == 0
    server.begin()
    monkeypatch.setenv("JWT_ISSUER", server.issuer)
    monkeypatch.setenv("JWT_AUDIENCE", AUDIENCE)
    return server


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by which PyJWT waits between two fetches of the keys."""
    clock = SimpleNamespace(now=time.monotonic())
    monkeypatch.setattr(jwt.jwks_client, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def refusal(auth: Any, event: Any) -> str:
    """Return why a token is refused, having seen that the challenge says it too."""
    with pytest.raises(auth.Unauthorized) as raised:
        auth.caller(event)
    assert CHALLENGE.fullmatch(raised.value.www_authenticate)
    return str(raised.value)


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_a_good_token_names_its_subject(auth: Any, issuer: TokenIssuer, key: str) -> None:
    assert auth.caller(request(issuer.token(key))) == "ada"


def test_the_keys_are_fetched_once(auth: Any, issuer: TokenIssuer) -> None:
    for key in ("rsa", "ec", "rsa"):
        auth.caller(request(issuer.token(key)))

    assert issuer.requests == [f"/pool{CONFIGURATION}", KEYS]


def test_the_place_of_the_keys_can_be_a_setting(
    auth: Any, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_JWKS_URL", f"{issuer.address}{KEYS}")

    assert auth.caller(request(issuer.token())) == "ada"
    assert issuer.requests == [KEYS]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("header", ["authorization", "Authorization"])
def test_the_header_and_the_scheme_may_be_in_any_case(auth: Any, issuer: TokenIssuer, header: str, scheme: str) -> None:
    assert auth.caller(request(issuer.token(), header=header, scheme=scheme)) == "ada"


def test_another_header_may_carry_the_token(auth: Any, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_HEADER", "X-Authorization")

    assert auth.caller(request(issuer.token(), header="x-authorization")) == "ada"
    with pytest.raises(auth.Unauthorized, match=r"send the header x-authorization: Bearer TOKEN"):
        auth.caller(request(issuer.token()))


@pytest.mark.parametrize("headers", [None, {}, *({"authorization": value} for value in ("", "Bearer", "Basic YTpi"))])
def test_without_a_token_the_challenge_names_no_error(
    auth: Any, issuer: TokenIssuer, headers: dict[str, str] | None
) -> None:
    with pytest.raises(auth.Unauthorized, match="the request has no token") as raised:
        auth.caller({"headers": headers, "requestContext": {}})

    assert raised.value.www_authenticate == "Bearer"
    assert issuer.requests == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": None}, '"exp"'),
        ({"nbf": 99_999_999_999}, "not yet valid"),
        ({"aud": "other"}, "another audience"),
        ({"aud": ["other", "others"]}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": None}, '"iss"'),
        ({"sub": None}, '"sub"'),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    auth: Any, issuer: TokenIssuer, changes: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(auth, request(issuer.token(**changes)))


# Cognito's access tokens have the client in place of the audience.
@pytest.mark.parametrize("changes", [{"aud": ["other", AUDIENCE]}, {"aud": None, "client_id": AUDIENCE}])
def test_an_audience_among_others_and_a_client_are_enough(
    auth: Any, issuer: TokenIssuer, changes: dict[str, Any]
) -> None:
    assert auth.caller(request(issuer.token(**changes))) == "ada"


def test_the_client_does_not_count_where_there_is_an_audience(auth: Any, issuer: TokenIssuer) -> None:
    assert "another audience" in refusal(auth, request(issuer.token(aud="other", client_id=AUDIENCE)))


def test_a_token_of_another_issuers_key_is_refused(auth: Any, issuer: TokenIssuer) -> None:
    with issuing() as other:
        token = other.token(iss=issuer.issuer)

    assert "Signature verification failed" in refusal(auth, request(token))


def test_a_token_without_a_signature_is_refused_before_the_issuer_is_asked(auth: Any, issuer: TokenIssuer) -> None:
    token = jwt.encode(issuer.claims(), "", "none", {"kid": "rsa"})

    assert "algorithm" in refusal(auth, request(token))
    assert issuer.requests == []


def test_the_public_key_is_no_shared_secret(auth: Any, issuer: TokenIssuer) -> None:
    pem = issuer.public_pem("rsa").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = forged({"alg": "HS256", "kid": "rsa"}, issuer.claims(), pem)

    assert "algorithm" in refusal(auth, request(token))
    assert issuer.requests == []


def test_a_key_verifies_by_its_own_algorithm_only(auth: Any, issuer: TokenIssuer) -> None:
    _, claims, signature = issuer.token("ec").split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": "rsa"}).encode()).rstrip(b"=").decode()

    assert "algorithm" in refusal(auth, request(f"{header}.{claims}.{signature}")).lower()


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "..", "é.é.é", "\ud800", 'a"b\\c', "e30.e30.", "eyJhbGciOiJSUzI1NiIsImtpZCI6MX0.e30.AA"]
)
def test_garbage_is_refused(auth: Any, issuer: TokenIssuer, token: str) -> None:
    refusal(auth, request(token))
    assert issuer.requests == []


# --- keys that come and go -------------------------------------------------------------------------------------------


def test_unknown_key_ids_make_one_request_a_minute(auth: Any, issuer: TokenIssuer, clock: SimpleNamespace) -> None:
    for number in range(5):
        reason = refusal(auth, request(issuer.token(headers={"kid": f"forged-{number}"})))
        assert reason == "the issuer has no key with the token's key id"
    assert issuer.requests.count(KEYS) == 1

    clock.now += auth.KEYS_PAUSE + 1
    for number in range(5):
        refusal(auth, request(issuer.token(headers={"kid": f"forged-{number}"})))
    assert issuer.requests.count(KEYS) == 2


def test_a_token_without_a_key_id_is_refused(auth: Any, issuer: TokenIssuer) -> None:
    token = jwt.encode(issuer.claims(), issuer._private["rsa"][1], "RS256")  # noqa: SLF001

    assert refusal(auth, request(token)) == "the issuer has no key with the token's key id"


def test_a_new_key_is_found_after_the_pause(auth: Any, issuer: TokenIssuer, clock: SimpleNamespace) -> None:
    old = issuer.token("rsa")
    assert auth.caller(request(old)) == "ada"
    issuer.publish(new="RS256")
    new = issuer.token("new", sub="bea")

    refusal(auth, request(new))
    clock.now += auth.KEYS_PAUSE + 1

    assert auth.caller(request(new)) == "bea"
    assert refusal(auth, request(old)) == "the issuer has no key with the token's key id"


# --- an issuer that does not answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["JWT_ISSUER", "JWT_JWKS_URL"])
@pytest.mark.parametrize("reason", ["refused", "timed out"])
def test_an_issuer_that_cannot_be_reached_is_no_fault_of_the_callers(
    auth: Any, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch, reason: str, setting: str
) -> None:
    auth.TIMEOUT = 0.1
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if reason == "timed out":
            silent.listen()
        monkeypatch.setenv(setting, f"http://127.0.0.1:{silent.getsockname()[1]}")

        with pytest.raises(auth.IssuerUnavailable, match=f"its keys cannot be fetched: .*{reason}"):
            auth.caller(request(issuer.token()))


@pytest.mark.parametrize("document", [None, b"<html>", b"[]", b"{}", b'{"keys": []}'])
@pytest.mark.parametrize("path", [f"/pool{CONFIGURATION}", KEYS])
def test_an_answer_that_is_no_document_of_an_issuer(
    auth: Any, issuer: TokenIssuer, path: str, document: bytes | None
) -> None:
    kept = issuer.documents.pop(path)
    if document is not None:
        issuer.documents[path] = document
    with pytest.raises(auth.IssuerUnavailable):
        auth.caller(request(issuer.token()))

    issuer.documents[path] = kept
    assert auth.caller(request(issuer.token())) == "ada", "a failure is not kept"


def test_the_configuration_of_another_issuer_does_not_count(auth: Any, issuer: TokenIssuer) -> None:
    other = {"issuer": "https://evil.example", "jwks_uri": f"{issuer.address}{KEYS}"}
    issuer.documents[f"/pool{CONFIGURATION}"] = json.dumps(other).encode()

    with pytest.raises(auth.IssuerUnavailable, match="does not describe this issuer: set JWT_JWKS_URL"):
        auth.caller(request(issuer.token()))


def test_an_issuer_that_fails_when_a_new_key_is_looked_for(
    auth: Any, issuer: TokenIssuer, clock: SimpleNamespace
) -> None:
    auth.caller(request(issuer.token()))
    del issuer.documents[KEYS]
    clock.now += auth.KEYS_PAUSE + 1

    with pytest.raises(auth.IssuerUnavailable, match="cannot be fetched again"):
        auth.caller(request(issuer.token(headers={"kid": "new"})))
    assert auth.caller(request(issuer.token())) == "ada", "the keys that it had are kept"


# --- without tokens --------------------------------------------------------------------------------------------------


def test_without_an_issuer_the_caller_is_who_signed_for_iam(auth: Any) -> None:
    assert auth.caller(event("function-url-iam")) == "arn:aws:iam::123456789012:user/example"


@pytest.mark.parametrize("authorizer", [{}, {"authorizer": None}, {"authorizer": {"iam": None}}])
def test_without_a_signature_the_caller_is_anonymous(auth: Any, authorizer: dict[str, Any]) -> None:
    assert auth.caller({"requestContext": authorizer}) == "anonymous"


def test_an_issuer_without_an_audience_is_a_mistake_of_the_settings(
    auth: Any, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JWT_AUDIENCE")

    with pytest.raises(ValueError, match="JWT_ISSUER is set and JWT_AUDIENCE is not"):
        auth.caller(request(issuer.token()))


def test_pyjwt_is_not_imported_where_iam_is_used() -> None:
    code = "import json, sys, auth; auth.caller(json.loads(sys.argv[1])); assert 'jwt' not in sys.modules"
    signed = json.dumps(event("function-url-iam"))

    run(sys.executable, "-c", code, signed, env=clean_environment(PYTHONPATH=str(AUTH.parent)))
