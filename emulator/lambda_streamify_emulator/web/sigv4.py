"""AWS Signature Version 4: checks the signature of a request. No I/O, no clock.

No library checks signatures: those that sign only compute their own.

Source: AWS IAM User Guide, "Create a signed AWS API request" and "Elements of an AWS API request signature". What its
examples leave open follows botocore's SigV4Auth: dot segments and doubled slashes are removed from the path, and the
path is encoded once more even if it is already encoded. Users of AWS have reported the texts of the refusals.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from .request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW = timedelta(minutes=5)  # the value in AWS's message about an expired signature
EXPIRES_LIMIT_S = 604_800  # for a signature in the query: seven days
_TIME = "%Y%m%dT%H%M%SZ"
_UNRESERVED = "-_.~"
_TOKEN = "x-amz-security-token"  # noqa: S105 - a header


@dataclass(frozen=True)
class Credentials:
    """An access key and its secret, with a session token if they are temporary."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True)
class Scope:
    """The region and the service for which a signature is valid."""

    region: str
    service: str = "lambda"

    def on(self, day: str) -> str:
        """Return the scope of the signatures of a day, YYYYMMDD."""
        return f"{day}/{self.region}/{self.service}/aws4_request"


class Refusal(NamedTuple):
    """The refusal of a request: AWS's error type and message, and the canonical request if the signature differs."""

    error_type: str
    message: str
    canonical: str = ""


class _Claim(NamedTuple):
    """The signature of a request with its parameters."""

    credential: str
    signed: tuple[str, ...]
    signature: str
    time: str
    valid: timedelta | None  # from `time` on; None for a signature in the headers

    @property
    def in_query(self) -> bool:
        return self.valid is not None


def is_signed(request: Request) -> bool:
    """Whether the request has a signature of this kind, valid or not."""
    return _is_signed_in_query(request) or _header(request, "authorization").startswith(ALGORITHM)


def refusal(request: Request, credentials: Credentials, scope: Scope, now: float) -> Refusal | None:
    """Return why the signature is not valid at `now`, in seconds since the epoch; None if it is."""
    claim = _claim_in_query(request) if _is_signed_in_query(request) else _claim_in_headers(request)
    if isinstance(claim, Refusal):
        return claim
    key = claim.credential.partition("/")[0]
    given = dict(_pairs(request.query)).get("X-Amz-Security-Token") if claim.in_query else _header(request, _TOKEN)
    if key != credentials.access_key or (given or None) != credentials.token:
        return Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    problem = _problem(claim, scope) or _untimely(claim, datetime.fromtimestamp(now, timezone.utc))
    if problem is not None:
        return Refusal("InvalidSignatureException", problem)
    canonical = canonical_request(request, claim.signed)
    expected = _signature(canonical, claim.time, credentials, scope)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):  # it accepts only ASCII as str
        message = (
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
        return Refusal("InvalidSignatureException", message, canonical)
    return None


def canonical_request(request: Request, signed: Iterable[str]) -> str:
    """Return the canonical form that both sides sign. `signed` are names of headers, in lower case and in order."""
    signed = list(signed)
    pairs = [pair for pair in _pairs(request.query) if pair[0] != "X-Amz-Signature"]
    query = sorted((_encode(name), _encode(value)) for name, value in pairs)
    return "\n".join(
        [
            request.method.encode("latin-1").upper().decode("latin-1"),  # str.upper() would move ÿ out of Latin-1
            quote(_normalize(request.path), "/" + _UNRESERVED),
            "&".join(map("=".join, query)),
            *(f"{name}:{_header(request, name)}" for name in signed),
            "",
            ";".join(signed),
            sha256(request.body).hexdigest(),  # of the body itself; a hash in the headers is ignored
        ]
    )


def _signature(canonical: str, time: str, credentials: Credentials, scope: Scope) -> str:
    digest = sha256(canonical.encode("latin-1")).hexdigest()  # the bytes of the headers
    to_sign = "\n".join([ALGORITHM, time, scope.on(time[:8]), digest])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (time[:8], scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _is_signed_in_query(request: Request) -> bool:
    return ("X-Amz-Algorithm", ALGORITHM) in _pairs(request.query)


def _claim_in_headers(request: Request) -> _Claim | Refusal:
    text = _header(request, "authorization")
    parts = dict(part.strip().partition("=")[::2] for part in text.removeprefix(ALGORITHM).split(","))
    time = _header(request, "x-amz-date") or _from_date(_header(request, "date"))
    wanted = {name: parts.get(name) for name in ("Credential", "Signature", "SignedHeaders")}
    missing = [f"Authorization header requires '{name}' parameter." for name, value in wanted.items() if not value]
    if not _is_time(time):
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        return Refusal("IncompleteSignatureException", f"{' '.join(missing)} Authorization={text.split(' ')[0]}")
    return _Claim(parts["Credential"], tuple(parts["SignedHeaders"].split(";")), parts["Signature"], time, None)


def _claim_in_query(request: Request) -> _Claim | Refusal:
    parts = dict(_pairs(request.query))
    wanted = [f"X-Amz-{name}" for name in ("Credential", "Date", "Expires", "SignedHeaders", "Signature")]
    missing = [f"AWS query-string parameters must include '{name}'." for name in wanted if not parts.get(name)]
    if missing:
        return Refusal("IncompleteSignatureException", " ".join(missing))
    _, time, expires, signed, _ = (parts[name] for name in wanted)
    if not _is_time(time) or not re.fullmatch(r"[0-9]{1,6}", expires) or not 1 <= int(expires) <= EXPIRES_LIMIT_S:
        message = f"X-Amz-Date={time} and X-Amz-Expires={expires} are no time and up to {EXPIRES_LIMIT_S} seconds."
        return Refusal("IncompleteSignatureException", message)
    valid = timedelta(seconds=int(expires))
    return _Claim(parts["X-Amz-Credential"], tuple(signed.split(";")), parts["X-Amz-Signature"], time, valid)


def _problem(claim: _Claim, scope: Scope) -> str | None:
    scoped, expected = claim.credential.partition("/")[2], scope.on(claim.time[:8])
    if scoped != expected:
        return f"Credential should be scoped to {expected}, not {scoped}."
    if "host" not in claim.signed:
        return "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    return None


def _untimely(claim: _Claim, now: datetime) -> str | None:
    then = datetime.strptime(claim.time, _TIME).replace(tzinfo=timezone.utc)
    valid = CLOCK_SKEW if claim.valid is None else claim.valid
    if now - valid > then:
        span = f"{now.strftime(_TIME)} - {valid.total_seconds() / 60:g} min."
        return f"Signature expired: {claim.time} is now earlier than {(now - valid).strftime(_TIME)} ({span})"
    if now + CLOCK_SKEW < then:
        span = f"{now.strftime(_TIME)} + 5 min."
        return (
            f"Signature not yet current: {claim.time} is still later than {(now + CLOCK_SKEW).strftime(_TIME)} ({span})"
        )
    return None


def _is_time(text: str) -> bool:
    try:
        return datetime.strptime(text, _TIME).strftime(_TIME) == text  # noqa: DTZ007 - it ends in Z
    except ValueError:
        return False


def _from_date(text: str) -> str:
    try:
        return parsedate_to_datetime(text).astimezone(timezone.utc).strftime(_TIME)
    except (OverflowError, ValueError):
        return text


def _header(request: Request, name: str) -> str:
    """Return the values of a header, joined by commas, with runs of spaces reduced to one."""
    values = [value for key, value in request.headers if key.lower() == name]
    return ",".join(" ".join(re.findall(r"[^ \t]+", value)) for value in values)


def _pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of the query, decoded as Latin-1, which keeps all bytes."""
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    return [(_decode(name), _decode(value)) for name, value in pairs]


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("latin-1")


def _encode(text: str) -> str:
    return quote(text.encode("latin-1"), _UNRESERVED)


def _normalize(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
