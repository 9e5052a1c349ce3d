import string
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import quote, urlsplit

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from botocore_clock import botocore_now
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.sigv4 import Credentials, Refusal, Scope, canonical_request, is_signed, refusal

KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SCOPE = Scope("us-east-1")
NOW = datetime(2026, 7, 26, 20, 0, tzinfo=timezone.utc)
AT = NOW.timestamp()
TIME = "20260726T200000Z"
HOST = ("Host", "127.0.0.1:4001")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    botocore_now(monkeypatch, NOW)


def botocore_credentials(credentials: Credentials) -> botocore.credentials.Credentials:
    return botocore.credentials.Credentials(credentials.access_key, credentials.secret_key, credentials.token)


def signed_by_botocore(request: Request, credentials: Credentials = KEY, scope: Scope = SCOPE) -> Request:
    """Return the request with the headers that botocore's signer adds."""
    query = f"?{request.query}" if request.query else ""
    aws = AWSRequest(request.method, f"http://127.0.0.1:4001{request.path}{query}", data=request.body)
    for name, value in request.headers:
        aws.headers.add_header(name, value)
    signer = botocore.auth.SigV4Auth(botocore_credentials(credentials), scope.service, scope.region)
    signer.add_auth(aws)
    headers = [(name, value) for name, value in aws.headers.items() if name.lower() != "host"]
    return replace(request, headers=[HOST, *headers])


def presigned_by_botocore(request: Request, credentials: Credentials = KEY, expires: int = 60) -> Request:
    query = f"?{request.query}" if request.query else ""
    aws = AWSRequest(request.method, f"http://127.0.0.1:4001{request.path}{query}", data=request.body)
    signer = botocore.auth.SigV4QueryAuth(botocore_credentials(credentials), "lambda", "us-east-1", expires)
    signer.add_auth(aws)
    parts = urlsplit(str(aws.url))
    return replace(request, path=parts.path, query=parts.query, headers=[HOST])


def request(
    path: str = "/", query: str = "", headers: Sequence[tuple[str, str]] = (), body: bytes = b"", method: str = "GET"
) -> Request:
    return Request(method, path, query, headers, "127.0.0.1", body)


def refused(given: Request, now: float = AT, credentials: Credentials = KEY) -> Refusal:
    found = refusal(given, credentials, SCOPE, now)
    assert found is not None
    return found


# --- valid signatures ------------------------------------------------------------------------------------------------

REQUESTS = {
    "plain": request(),
    "post": request("/a/b", body=b'{"a": 1}', method="POST", headers=[("content-type", "application/json")]),
    "binary": request(body=bytes(range(256)), method="PUT"),
    "lower-case-method": request(method="patch"),
    "no-path": request(""),
    "encoded": request("/a%20b/%C5%BE/%2F%2f/%"),
    "reserved": request("/(a)/b:c@d/e=f;g,h!$&'*+/~-._"),
    "dots": request("/a/./b/../c//d/.."),
    "dots-at-the-end": request("/a/b/."),
    "above-the-root": request("/../../a"),
    "slashes": request("///"),
    "query": request("/", "b=2&a=1"),
    "repeated": request("/", "a=2&a=1&A=3&a="),
    "no-value": request("/", "flag&other="),
    "encoded-query": request("/", "a=%20%2B%26%3D%25&%C5%BE=%F0%9F%98%80"),
    "prefix-of-another": request("/", "a-b=1&a=2&a%3Db=3"),
    "no-text": request("/", "a=%FF%00"),
    "headers": request(headers=[("X-Amz-Meta", "  a   b\t c "), ("x-other", "")]),
    "repeated-header": request(headers=[("X-A", "1"), ("x-b", "b"), ("X-a", " 2  3 ")]),
    "not-signed-by-botocore": request(headers=[("User-Agent", "curl"), ("X-Amzn-Trace-Id", "Root=1"), ("Te", "x")]),
}


@pytest.mark.parametrize("given", REQUESTS.values(), ids=REQUESTS)
def test_what_botocore_has_signed_is_let_in(given: Request) -> None:
    assert refusal(signed_by_botocore(given), KEY, SCOPE, AT) is None


def test_the_token_of_a_session_is_signed_and_has_to_be_the_right_one() -> None:
    session = replace(KEY, token="a/token+of=a session")  # noqa: S106 - an example
    given = request(headers=[HOST])

    assert refusal(signed_by_botocore(given, session), session, SCOPE, AT) is None
    assert refusal(presigned_by_botocore(given, session), session, SCOPE, AT) is None
    assert refused(signed_by_botocore(given, session)).error_type == "UnrecognizedClientException"
    assert refused(presigned_by_botocore(given, session)).error_type == "UnrecognizedClientException"
    assert refused(signed_by_botocore(given), credentials=session).error_type == "UnrecognizedClientException"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
SEGMENT = st.one_of(TEXT.map(lambda text: quote(text, safe="!$&'()*+,;=:@-._~")), st.sampled_from([".", "..", "", "%"]))
PATHS = st.lists(SEGMENT, max_size=5).map(lambda parts: "/" + "/".join(parts))
PAIRS = st.tuples(TEXT.filter(bool), TEXT).map(lambda pair: "=".join(quote(part, safe="-_.~") for part in pair))
QUERIES = st.lists(PAIRS, max_size=5).map("&".join)
VALUES = st.text(string.ascii_letters + string.punctuation + " \t", max_size=9)
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3).map("x-".__add__)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
GIVEN = st.builds(request, PATHS, QUERIES, HEADERS, st.binary(max_size=9), st.sampled_from(["GET", "POST", "DELETE"]))


@settings(max_examples=25)
@given(GIVEN)
def test_whatever_botocore_has_signed_is_let_in_and_nothing_that_was_changed_since(given: Request) -> None:
    signed = signed_by_botocore(given)

    assert refusal(signed, KEY, SCOPE, AT) is None
    for changed in (
        replace(signed, method="HEAD"),
        replace(signed, path=signed.path + "x"),
        replace(signed, query=signed.query + "&x=y"),
        replace(signed, body=signed.body + b"x"),
        replace(signed, headers=[("Host", "127.0.0.1:4002"), *signed.headers[1:]]),
        replace(signed, headers=[*signed.headers, ("x-amz-date", "20260726T200001Z")]),
    ):
        assert refusal(changed, KEY, SCOPE, AT) is not None


@settings(max_examples=25)
@given(st.builds(request, PATHS, QUERIES, st.just(()), st.just(b""), st.sampled_from(["GET", "POST"])))
def test_whatever_botocore_has_signed_in_the_query_is_let_in_and_nothing_else(given: Request) -> None:
    signed = presigned_by_botocore(given)

    assert refusal(signed, KEY, SCOPE, AT) is None
    for changed in (
        replace(signed, path=signed.path + "x"),
        replace(signed, query=signed.query + "&x=y"),
        replace(signed, query=signed.query.replace("X-Amz-Expires=60", "X-Amz-Expires=61")),
        replace(signed, body=signed.body + b"x"),
    ):
        assert refused(changed).error_type == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("query", "signed"),
    [
        ("b=1&a=2", "a=2&b=1"),
        ("a=b+c", "a=b%20c"),
        ("a=b:c/d", "a=b%3Ac%2Fd"),
        ("a=%7e%c5%be", "a=~%C5%BE"),
        ("a=%zz", "a=%25zz"),
        ("&a&&", "a="),
        ("X-Amz-Signature=b&a=c", "a=c"),
    ],
)
def test_a_query_is_signed_in_one_form_whatever_it_looks_like(query: str, signed: str) -> None:
    assert canonical_request(request(query=query), []).splitlines()[2] == signed


def test_a_header_that_is_not_signed_may_be_added() -> None:
    given = signed_by_botocore(request())

    assert refusal(replace(given, headers=[*given.headers, ("x-amz-mine", "b")]), KEY, SCOPE, AT) is None


# --- refusals --------------------------------------------------------------------------------------------------------

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def test_a_wrong_secret_is_refused_with_what_should_have_been_signed() -> None:
    given = signed_by_botocore(request("/a b", "c=d"), replace(KEY, secret_key="another"))  # noqa: S106 - an example

    error_type, message, canonical = refused(given)

    assert (error_type, message) == ("InvalidSignatureException", MISMATCH)
    assert canonical == canonical_request(given, ["host", "x-amz-date"])
    assert canonical.splitlines()[:5] == ["GET", "/a%20b", "c=d", "host:127.0.0.1:4001", "x-amz-date:20260726T200000Z"]


def test_a_signature_outside_of_ascii_does_not_match() -> None:
    given = signed_by_botocore(request())
    headers = [(name, f"{value[:-64]}é" if name == "Authorization" else value) for name, value in given.headers]
    presigned = presigned_by_botocore(request())

    for changed in (replace(given, headers=headers), replace(presigned, query=f"{presigned.query[:-64]}%e9")):
        assert refused(changed).error_type == "InvalidSignatureException"
        assert refused(changed).canonical


def test_a_body_that_is_not_signed_is_refused_whatever_the_request_says_of_it() -> None:
    given = request(headers=[("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")], body=b"any", method="POST")

    assert refused(signed_by_botocore(given))[:2] == ("InvalidSignatureException", MISMATCH)


def test_another_key_is_not_known() -> None:
    given = signed_by_botocore(request(), replace(KEY, access_key="AKIDOTHER"))

    assert refused(given) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        "",
    )


@pytest.mark.parametrize("scope", [Scope("eu-west-1"), Scope("us-east-1", "execute-api")])
def test_a_signature_for_elsewhere_does_not_count(scope: Scope) -> None:
    message = (
        "Credential should be scoped to 20260726/us-east-1/lambda/aws4_request, "
        f"not 20260726/{scope.region}/{scope.service}/aws4_request."
    )

    assert refused(signed_by_botocore(request(), scope=scope)) == ("InvalidSignatureException", message, "")


def test_the_host_has_to_be_signed() -> None:
    signed = signed_by_botocore(request())
    authorization = dict(signed.headers)["Authorization"].replace("host;", "")
    headers = [(name, value) for name, value in signed.headers if name != "Authorization"]

    given = replace(signed, headers=[*headers, ("Authorization", authorization)])

    assert refused(given).message == "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (
            -301,
            f"Signature not yet current: {TIME} is still later than 20260726T195959Z (20260726T195459Z + 5 min.)",
        ),
        (-300, None),
        (300, None),
        (301, f"Signature expired: {TIME} is now earlier than 20260726T200001Z (20260726T200501Z - 5 min.)"),
    ],
)
def test_a_signature_counts_for_five_minutes_around_its_time(later: int, message: str | None) -> None:
    found = refusal(signed_by_botocore(request()), KEY, SCOPE, AT + later)

    assert found == (message and Refusal("InvalidSignatureException", message))


def test_a_signature_in_the_query_counts_as_long_as_it_says() -> None:
    given = presigned_by_botocore(request(), expires=90)

    assert refusal(given, KEY, SCOPE, AT + 90) is None
    assert refused(given, AT + 91).message == (
        "Signature expired: 20260726T200000Z is now earlier than 20260726T200001Z (20260726T200131Z - 1.5 min.)"
    )


def test_the_time_may_be_that_of_the_date_header() -> None:
    given = signed_by_botocore(request(headers=[("Date", format_datetime(NOW))]))

    assert "x-amz-date" not in {name.lower() for name, _ in given.headers}
    assert refusal(given, KEY, SCOPE, AT) is None


def test_a_signature_of_another_day_is_of_the_day_that_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = NOW + timedelta(hours=4)
    botocore_now(monkeypatch, midnight - timedelta(seconds=1))

    assert refusal(signed_by_botocore(request()), KEY, SCOPE, midnight.timestamp()) is None


NO_TIME = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
ALL_THREE = " ".join(
    f"Authorization header requires '{name}' parameter." for name in ("Credential", "Signature", "SignedHeaders")
)
NOTHING = f"{ALL_THREE} {NO_TIME}"
NEARLY = "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host,Signature=c"


@pytest.mark.parametrize(
    ("authorization", "headers", "message"),
    [
        ("AWS4-HMAC-SHA256", [], NOTHING),
        (NEARLY, [], NO_TIME),
        (NEARLY, [("x-amz-date", "2026-07-26T20:00:00Z")], NO_TIME),
        (NEARLY, [("x-amz-date", "20261326T200000Z")], NO_TIME),
        (NEARLY, [("x-amz-date", ""), ("date", "today")], NO_TIME),
    ],
)
def test_what_is_missing_in_a_signature_is_named(
    authorization: str, headers: list[tuple[str, str]], message: str
) -> None:
    given = request(headers=[HOST, ("authorization", authorization), *headers])

    assert refused(given) == ("IncompleteSignatureException", f"{message} Authorization=AWS4-HMAC-SHA256", "")


def test_what_is_missing_in_a_signature_in_the_query_is_named() -> None:
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature")

    found = refused(request(query="X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260726T200000Z&X-Amz-Expires=60"))

    message = " ".join(f"AWS query-string parameters must include '{name}'." for name in names)
    assert found == ("IncompleteSignatureException", message, "")


@pytest.mark.parametrize(
    ("time", "expires"),
    [*(("20260726T200000Z", each) for each in ("0", "604801", "-1", "1e3", "\xb2")), ("today", "60")],
)
def test_the_time_of_a_signature_in_the_query_has_to_be_one(time: str, expires: str) -> None:
    fields = {"Credential": "a", "Date": time, "Expires": expires, "SignedHeaders": "host", "Signature": "b"}
    query = "&".join(f"X-Amz-{name}={quote(value, encoding='latin-1')}" for name, value in fields.items())

    found = refused(request(query=f"X-Amz-Algorithm=AWS4-HMAC-SHA256&{query}"))

    message = f"X-Amz-Date={time} and X-Amz-Expires={expires} are no time and up to 604800 seconds."
    assert found == ("IncompleteSignatureException", message, "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (request(), False),
        (request(headers=[("authorization", "Bearer AWS4-HMAC-SHA256")]), False),
        (request(query="X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256"), False),
        (request(headers=[("authorization", "AWS4-HMAC-SHA256 nonsense")]), True),
        (request(query="X-Amz-Algorithm=AWS4-HMAC-SHA256"), True),
    ],
)
def test_a_request_is_signed_if_it_says_so(given: Request, *, expected: bool) -> None:
    assert is_signed(given) is expected


TOKENS = st.lists(
    st.one_of(
        st.sampled_from(["AWS4-HMAC-SHA256", "Credential", "SignedHeaders", "Signature", "=", ",", ";", "/", " ", "%"]),
        st.text(max_size=3),
    ),
    max_size=9,
).map("".join)


@given(TOKENS, TOKENS, TOKENS)
def test_nonsense_is_refused_and_never_an_error_of_the_emulators(authorization: str, time: str, query: str) -> None:
    headers = [("authorization", f"AWS4-HMAC-SHA256 {authorization}"), ("x-amz-date", time), ("date", time)]
    for text in (query, f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={time}&X-Amz-Expires={query}"):
        assert refusal(request(query=text, headers=headers), KEY, SCOPE, AT) is not None
