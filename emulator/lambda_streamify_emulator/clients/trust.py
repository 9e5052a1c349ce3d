"""Which certificates the clients of this package trust: those that Python trusts, and those of further CAs.

An emulator that serves https has made its own CA. The client asks it for the CA's certificate, at
AWS_ENDPOINT_URL_LAMBDA or on the default port, and trusts it for this machine and for the emulator's.
"""

import http.client
import os
import ssl
from contextlib import closing
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import TlsError
from ..web.certificate import CA_CERTIFICATE
from .signing import DEFAULT_ENDPOINT, is_on_this_machine

TIMEOUT_S = 5


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Return a context that also trusts the CAs in `ca_file`. Raises TlsError if there are none in it."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise TlsError(f"--cacert {ca_file}: there is no certificate in PEM format in it") from error
    except OSError as error:
        raise TlsError(f"--cacert {ca_file}: it cannot be read: {error.strerror}") from error
    return context


def known_context(url: str) -> ssl.SSLContext | None:
    """Return the context for a URL that an emulator may serve; None if that of Python is the right one."""
    parts = urlsplit(url)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT)
    if parts.scheme != "https" or urlsplit(endpoint).scheme != "http":
        return None
    if is_on_this_machine(parts.hostname or "") or parts.hostname == urlsplit(endpoint).hostname:
        return _emulator_context(endpoint)
    return None


@cache
def _emulator_context(endpoint: str) -> ssl.SSLContext | None:
    address = urlsplit(endpoint)
    try:
        with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)) as connection:
            connection.request("GET", CA_CERTIFICATE)
            response = connection.getresponse()
            pem = response.read().decode("ascii")
        if response.status != http.client.OK:
            return None
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=pem)
    except (OSError, http.client.HTTPException, ValueError):
        return None  # no emulator answers, or it serves no https
    return context
