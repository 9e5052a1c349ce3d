"""Signs the requests of this package's own clients to function URLs that have refused an unsigned request.

A URL on this machine belongs to an emulator. The credentials come from the emulator at AWS_ENDPOINT_URL_LAMBDA, or on
the default port. For a URL on AWS they come from boto3, as for the AWS CLI.
"""

import http.client
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..web.iam import CREDENTIALS
from ..web.request import Request
from ..web.signing import sign
from ..web.sigv4 import Credentials, Scope

DEFAULT_ENDPOINT = "http://127.0.0.1:4000"
CREDENTIALS_TIMEOUT_S = 5
_ON_AWS = re.compile(r".+\.lambda-url\.([a-z0-9-]+)\.on\.aws")  # AWS Lambda Developer Guide, "Lambda function URLs"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signer:
    """Signs requests. It calls `credentials` for each request, because temporary credentials change."""

    def __init__(self, credentials: Callable[[], Credentials], scope: Scope) -> None:
        self._credentials = credentials
        self._scope = scope

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """Return the headers to add to a request that has `headers` and the Host of `url`."""
        parts = urlsplit(url)
        given = [*headers.items(), ("host", _host(parts))]
        request = Request(method, parts.path or "/", parts.query, given, "", body or b"")
        return dict(sign(request, self._credentials(), self._scope))


_signers: dict[str, Signer] = {}  # by host, for those that require signatures


def known_signer(url: str) -> Signer | None:
    """Return the signer for a URL whose host has required a signature before, else None."""
    return _signers.get(urlsplit(url).netloc)


def remember(url: str, signer: Signer) -> None:
    """Sign all requests to the host of `url` by this signer."""
    _signers[urlsplit(url).netloc] = signer


def is_unsigned(status: int, error_type: str | None) -> bool:
    """Return whether Lambda refused a request because it is unsigned. `error_type` is the header x-amzn-ErrorType."""
    return status == http.client.FORBIDDEN and error_type == "AccessDeniedException"


def find_signer(url: str) -> Signer | None:
    """Return a signer for a URL that requires a signature; None if it is not a function URL, or without credentials."""
    parts = urlsplit(url)
    on_aws = _ON_AWS.fullmatch(parts.hostname or "")
    if on_aws:
        signer = _signer_from_boto3(on_aws[1])
    elif is_on_this_machine(parts.hostname or ""):
        signer = _signer_from_emulator() or _signer_from_boto3(None)
    else:
        signer = None
    if signer is not None:
        _signers[parts.netloc] = signer
    return signer


def _signer_from_emulator() -> Signer | None:
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT))
    try:
        with closing(
            http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=CREDENTIALS_TIMEOUT_S)
        ) as connection:
            connection.request("GET", CREDENTIALS)
            found = json.loads(connection.getresponse().read())
        credentials = Credentials(found["access_key_id"], found["secret_access_key"])
        return Signer(lambda: credentials, Scope(found["region"]))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return None  # no emulator answers


def _signer_from_boto3(region: str | None) -> Signer | None:
    import boto3

    session = boto3.Session()
    return signer_of(session, region or session.region_name)


def signer_of(session: Any, region: str | None) -> Signer | None:
    """Return a signer with the credentials of a session of boto3; None without credentials or a region."""
    found = session.get_credentials()
    if found is None or region is None:
        return None

    def credentials() -> Credentials:
        frozen = found.get_frozen_credentials()  # boto3 renews temporary ones in time
        return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)

    return Signer(credentials, Scope(region))


def is_on_this_machine(host: str) -> bool:
    """Return whether a host is this machine, by an address or a name that no other machine has."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _host(parts: SplitResult) -> str:
    """Return the Host header as http.client writes it."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
