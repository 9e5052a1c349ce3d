"""CloudFront with an origin access control, as AWS documents it: it signs, with the body's hash that it is given."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gated_service import GatedService, QuietHandler, running

HASH = "x-amz-content-sha256"
REPLACED = ("authorization", "host", HASH)
EMPTY = hashlib.sha256(b"").hexdigest()


class SigningDistribution(GatedService):
    """Sends what it gets to `origin`, a URL of the emulator, and signs it with the emulator's credentials."""

    def __init__(self, origin: str, credentials: Mapping[str, str]) -> None:
        key = Credentials(credentials["access_key_id"], credentials["secret_access_key"])
        host = urlsplit(origin).netloc

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                kept = {name: value for name, value in self.headers.items() if name.lower() not in REPLACED}
                signed = AWSRequest("POST", f"http://{host}{self.path}", headers={HASH: self.headers.get(HASH, EMPTY)})
                SigV4Auth(key, "lambda", credentials["region"]).add_auth(signed)
                connection = HTTPConnection(host)
                connection.request("POST", self.path, body, {**kept, **dict(signed.headers)})
                response = connection.getresponse()
                answer = response.read()
                connection.close()
                self.send_response(response.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        super().__init__(Handler)


@contextmanager
def distributing(origin: str, credentials: Mapping[str, str]) -> Iterator[SigningDistribution]:
    """Run a distribution for the length of the block."""
    with running(SigningDistribution(origin, credentials)) as distribution:
        yield distribution
