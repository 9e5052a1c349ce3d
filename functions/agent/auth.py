"""Says who calls: the IAM identity that has signed the request."""

import os


class Unauthorized(Exception):
    """The caller is not known: status 401, with `www_authenticate` as the header WWW-Authenticate."""

    def __init__(self, message, www_authenticate="Bearer"):
        super().__init__(message)
        self.www_authenticate = www_authenticate


class IssuerUnavailable(Exception):
    """No token can be judged now: status 503."""


def caller(event):
    if os.environ.get("JWT_ISSUER"):
        raise Unauthorized("this version of the sample cannot check tokens")
    authorizer = event["requestContext"].get("authorizer") or {}
    return (authorizer.get("iam") or {}).get("userArn") or "anonymous"
