"""An issuer of JSON Web Tokens on this machine: its OpenID configuration, its public keys, and its tokens."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gated_service import GatedService, QuietHandler, running

CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/keys"
AUDIENCE = "agent"


class TokenIssuer(GatedService):
    """`documents` are what it answers, by path; `requests` are the paths that it was asked for, in order."""

    def __init__(self) -> None:
        requests = self.requests = list[str]()
        documents = self.documents = dict[str, bytes]()
        self._private = dict[str, tuple[str, Any]]()

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                requests.append(self.path)
                body = documents.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

        super().__init__(Handler)
        self.issuer = f"{self.address}/pool"
        self.begin()

    def begin(self) -> None:
        """Be as a new issuer with the keys `rsa` and `ec`, which nobody has asked for anything."""
        configuration = {"issuer": self.issuer, "jwks_uri": f"{self.address}{KEYS}"}
        self.documents[f"/pool{CONFIGURATION}"] = json.dumps(configuration).encode()
        self.publish(rsa="RS256", ec="ES256")
        self.requests.clear()

    def publish(self, **algorithms: str) -> None:
        """Have these keys, and no others: each key id with its algorithm, RS256 or ES256."""
        self._private = {id_: (algorithm, _generated(algorithm)) for id_, algorithm in algorithms.items()}
        keys = [self.public_key(id_) | {"kid": id_, "use": "sig"} for id_ in self._private]
        self.documents[KEYS] = json.dumps({"keys": keys}).encode()

    def public_key(self, key_id: str) -> dict[str, Any]:
        """Return the public half of a key as a JSON Web Key."""
        algorithm, key = self._private[key_id]
        form = RSAAlgorithm if isinstance(key, RSAPrivateKey) else ECAlgorithm
        return {**form.to_jwk(key.public_key(), as_dict=True), "alg": algorithm}

    def public_pem(self, key_id: str) -> Any:
        """Return the public half of a key."""
        return self._private[key_id][1].public_key()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token with these changes; None takes a claim away."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 3600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key_id: str = "rsa", headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return a token that the key has signed."""
        algorithm, key = self._private[key_id]
        return jwt.encode(self.claims(**changes), key, algorithm, {"kid": key_id, **(headers or {})})


def _generated(algorithm: str) -> Any:
    return generate_rsa(65537, 2048) if algorithm == "RS256" else generate_ec(SECP256R1())


@contextmanager
def issuing() -> Iterator[TokenIssuer]:
    """Run an issuer for the length of the block."""
    with running(TokenIssuer()) as issuer:
        yield issuer


def request(token: str | None = None, *, header: str = "authorization", scheme: str = "Bearer") -> Any:
    """Return the event of a request that carries a token, or none."""
    headers = {} if token is None else {header: f"{scheme} {token}"}
    return {"headers": headers, "requestContext": {"http": {"method": "POST"}}}


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """Return a token with a signature by HMAC, written by hand: PyJWT refuses to take a public key for a secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret, b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
