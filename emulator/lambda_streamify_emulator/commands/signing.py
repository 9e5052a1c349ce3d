"""Signatures for the requests of this package's own clients, to function URLs that turned an unsigned one away.

A URL on this machine is an emulator's: the one at AWS_ENDPOINT_URL_LAMBDA, or on the default port, is asked for the
credentials of its user. A URL on AWS is signed with what boto3 finds, as the AWS CLI would.
"""

import http.client
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from ..urls.event import Request
from ..web.iam import CREDENTIALS
from ..web.sigv4 import Credentials, Scope, sign

DEFAULT_ENDPOINT = "http://127.0.0.1:4000"
PATIENCE = 5  # seconds that an emulator has to name its credentials
_ON_AWS = re.compile(r".+\.lambda-url\.([a-z0-9-]+)\.on\.aws")  # AWS Lambda Developer Guide, "Lambda function URLs"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signer:
    """Signs requests with what `credentials` returns, which may change while it is used."""

    def __init__(
        self, credentials: Callable[[], Credentials], scope: Scope, clock: Callable[[], float] = time.time
    ) -> None:
        self._credentials = credentials
        self._scope = scope
        self._clock = clock

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """The headers that sign a request which has those in `headers` already, and the Host of `url`."""
        parts = urlsplit(url)
        given = [*headers.items(), ("host", _host(parts))]
        request = Request(method, parts.path or "/", parts.query, given, "", body or b"")
        return dict(sign(request, self._credentials(), self._scope, self._clock()))


_signers: dict[str, Signer] = {}  # of the hosts that have asked for signatures


def known_signer(url: str) -> Signer | None:
    """The signer for a URL whose host has asked for a signature before."""
    return _signers.get(urlsplit(url).netloc)


def is_unsigned(status: int, error_type: str | None) -> bool:
    """Whether that is how Lambda turns an unsigned request away; `error_type` is from the header x-amzn-ErrorType."""
    return status == http.client.FORBIDDEN and error_type == "AccessDeniedException"


def find_signer(url: str) -> Signer | None:
    """A signer for a URL that has asked for a signature; None if it is no function URL, or there are no credentials."""
    parts = urlsplit(url)
    on_aws = _ON_AWS.fullmatch(parts.hostname or "")
    if on_aws:
        signer = _signer_of_boto3(on_aws[1])
    elif _is_here(parts.hostname or ""):
        signer = _signer_of_emulator() or _signer_of_boto3(None)
    else:
        signer = None
    if signer is not None:
        _signers[parts.netloc] = signer
    return signer


def _signer_of_emulator() -> Signer | None:
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT))
    try:
        with closing(
            http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=PATIENCE)
        ) as connection:
            connection.request("GET", CREDENTIALS)
            found = json.loads(connection.getresponse().read())
        credentials = Credentials(found["access_key_id"], found["secret_access_key"])
        return Signer(lambda: credentials, Scope(found["region"]))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return None  # no emulator


def _signer_of_boto3(region: str | None) -> Signer | None:
    import boto3

    session = boto3.Session()
    found = session.get_credentials()
    region = region or session.region_name
    if found is None or region is None:
        return None

    def credentials() -> Credentials:
        frozen = found.get_frozen_credentials()  # temporary ones are replaced in time
        return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)

    return Signer(credentials, Scope(region))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _host(parts: SplitResult) -> str:
    """The Host header as http.client writes it."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
