"""A certificate for the emulator's own names, and the CA that has issued it. Both are made at each start.

The CA's key is never written to a file, so nobody can issue another certificate that its users would trust.
"""

import ssl
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import TlsError

CA_CERTIFICATE = "/_streamify/ca.pem"  # the path of the CA's certificate, on the Lambda API's port
PIP_LINE = "pip install 'lambda-streamify[tls]'"
LIFETIME = timedelta(days=90)  # Apple's systems refuse certificates of more than 825 days (support.apple.com/103769)
ALWAYS = ("localhost", "127.0.0.1", "::1")  # names of this machine
NAME = "lambda-streamify"


def make_certificate(names: Collection[str], ca_file: Path, now: datetime) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate for `names` and this machine; write its CA's to `ca_file`.

    Raises TlsError if the library for this is not installed, or a name is not valid in a certificate.
    """
    try:
        import trustme
    except ModuleNotFoundError as error:
        raise TlsError(f"--tls needs {error.name}: {PIP_LINE}") from error
    ca = trustme.CA(organization_name=NAME, organization_unit_name="local development")
    identities = dict.fromkeys([*ALWAYS, *names])
    try:
        certificate = ca.issue_cert(*identities, organization_name=NAME, not_after=now + LIFETIME)
    except ValueError as error:
        raise TlsError(f"--tls: no certificate can be made for {', '.join(names)}: {error}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.set_alpn_protocols(["http/1.1"])
    ca.cert_pem.write_to_path(ca_file)
    return context
