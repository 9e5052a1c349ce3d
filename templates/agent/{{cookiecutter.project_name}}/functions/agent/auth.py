"""Says who calls: the subject of a JSON Web Token, or the IAM identity that has signed the request.

A function URL checks signatures of IAM and nothing else, so the function checks the token. Environment variables:

    JWT_ISSUER     the issuer's URL, exactly as its tokens have it in `iss`. Without it no token is checked.
    JWT_AUDIENCE   what `aud` must be, or contain; for Cognito the id of the app client. Required with JWT_ISSUER.
    JWT_JWKS_URL   where the issuer's public keys are. Without it, the issuer's OpenID configuration names the place.
    JWT_HEADER     the header that carries the token; `authorization` unless set. Behind CloudFront, which signs with
                   this header itself, it has to be another one.
"""

import json
import os
import re
from functools import cache

# Public-key algorithms only. With HS256, the public key would be accepted as a shared secret (RFC 8725, section 2.1).
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TIMEOUT = 5  # seconds that the issuer may take to answer
KEYS_LIFESPAN = 300  # seconds after which the keys are fetched again: a key that was withdrawn is accepted no longer
# The fewest seconds between two fetches for a key that is unknown. Anyone can invent key ids; no id makes a request.
KEYS_PAUSE = 60
LEEWAY = 10  # seconds that the clocks of the issuer and of Lambda may differ


class Unauthorized(Exception):
    """The caller is not known: status 401, with `www_authenticate` as the header WWW-Authenticate (RFC 6750)."""

    def __init__(self, message, www_authenticate="Bearer"):
        super().__init__(message)
        self.www_authenticate = www_authenticate


class IssuerUnavailable(Exception):
    """The issuer's keys cannot be fetched, so no token can be judged: status 503. The caller may try again."""


def caller(event):
    """Return who calls: the token's subject, the ARN of the IAM identity, or "anonymous".

    Raises Unauthorized without a valid token, and IssuerUnavailable if that cannot be told now.
    """
    issuer = os.environ.get("JWT_ISSUER")
    if not issuer:
        authorizer = event["requestContext"].get("authorizer") or {}
        return (authorizer.get("iam") or {}).get("userArn") or "anonymous"
    audience = os.environ.get("JWT_AUDIENCE")
    if not audience:
        raise ValueError("JWT_ISSUER is set and JWT_AUDIENCE is not: set it to the audience that tokens must be for")
    return subject(bearer_token(event), issuer, audience)


def bearer_token(event):
    name = os.environ.get("JWT_HEADER", "authorization").lower()
    # A function URL writes names in lower case, a REST API as the client did.
    value = next((value for key, value in (event.get("headers") or {}).items() if key.lower() == name), "")
    scheme, _, token = value.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized(f"the request has no token: send the header {name}: Bearer TOKEN")
    return token.strip()


def subject(token, issuer, audience):
    import jwt  # here, since a function whose callers sign for IAM does not need it

    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError("the token's algorithm is not allowed")
        claims = jwt.decode(
            token,
            signing_key(issuer, header.get("kid")),
            algorithms=ALGORITHMS,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
        if audience not in audiences(claims):
            raise jwt.InvalidAudienceError("the token is for another audience")
    except (jwt.InvalidTokenError, jwt.InvalidKeyError, UnicodeError) as error:
        raise invalid_token(str(error)) from error
    return claims["sub"]


def audiences(claims):
    # Cognito's access tokens have no aud. API Gateway's JWT authorizers look at client_id then, and only then (API
    # Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers").
    value = claims["aud"] if "aud" in claims else claims.get("client_id")
    return value if isinstance(value, list) else [value]


def invalid_token(message):
    # RFC 6750, section 3, has the characters of a description: no quotes, no backslashes, ASCII.
    description = re.sub(r"[^ !#-\[\]-~]", "'", message)
    return Unauthorized(message, f'Bearer error="invalid_token", error_description="{description}"')


def signing_key(issuer, key_id):
    from http.client import HTTPException

    import jwt

    try:
        keys = issuer_keys(issuer, os.environ.get("JWT_JWKS_URL"))
        keys.get_signing_keys()  # fetches them if none are cached; what fails here is not the token's fault
    except (jwt.PyJWTError, HTTPException, OSError, ValueError) as error:
        raise IssuerUnavailable(f"{issuer}: its keys cannot be fetched: {error}") from error
    try:
        return keys.get_signing_key(key_id)
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, OSError, ValueError) as error:
        raise IssuerUnavailable(f"{issuer}: its keys cannot be fetched again: {error}") from error
    except jwt.PyJWKClientError as error:
        raise invalid_token("the issuer has no key with the token's key id") from error


@cache  # for as long as the execution environment lives. A failure is not kept.
def issuer_keys(issuer, jwks_url):
    import jwt

    url = jwks_url or discovered(issuer)
    return jwt.PyJWKClient(url, timeout=TIMEOUT, lifespan=KEYS_LIFESPAN, cooldown_duration=KEYS_PAUSE)


def discovered(issuer):
    # OpenID Connect Discovery 1.0, sections 3 and 4: every issuer has this document, Cognito too, and it must name
    # jwks_uri. /.well-known/jwks.json, where Cognito has its keys, is no standard: Google and Microsoft differ.
    from urllib.request import urlopen

    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 - the URL is a setting of the function
        document = json.load(response)
    if not isinstance(document, dict) or document.get("issuer") != issuer or "jwks_uri" not in document:
        raise ValueError(f"{url} does not describe this issuer: set JWT_JWKS_URL")
    return document["jwks_uri"]
