"""Access to function URLs with AuthType AWS_IAM: one made-up user of the account may call them with signed requests.

Source: AWS Lambda Developer Guide, "Control access to Lambda function URLs" and "Invoking Lambda function URLs". Users
of AWS have reported the bodies of the responses. Two points have not been checked on AWS: that an unsigned request gets
the same body as a caller without permission, and that the function does not see the Authorization header.
"""

import json
import secrets
import string
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ..account import ACCOUNT_ID, REGION
from .request import Request
from .sigv4 import Credentials, Scope, is_signed, refusal

SCOPE = Scope(REGION)
USER = "streamify"
CREDENTIALS = "/_streamify/credentials"  # the path of the credentials for local clients, on the Lambda API's port
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
# The characters of AWS's access keys (IAM User Guide, "IAM identifiers"). The secret needs no quotes in a shell.
_KEY, _SECRET = string.ascii_uppercase + "234567", string.ascii_letters + string.digits


class Rejection(NamedTuple):
    """A 403 response: its headers and body, and a note for the log."""

    headers: list[tuple[str, str]]
    body: bytes
    note: str


class Iam:
    """The access check, with one user whose credentials are new at each start."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.credentials = Credentials(f"AKIA{_random(_KEY, 16)}", _random(_SECRET, 40))
        self._user_id = f"AIDA{_random(_KEY, 17)}"
        self._clock = clock

    def describe(self) -> dict[str, str]:
        """Return the data that clients need to sign requests as the user."""
        key, secret = self.credentials.access_key, self.credentials.secret_key
        return {"access_key_id": key, "secret_access_key": secret, "region": REGION}

    def reject(self, request: Request) -> Rejection | None:
        """Return the rejection of a request that the user has not signed; None if it is signed."""
        if not is_signed(request):
            note = "the request is not signed, and the URL's AuthType is AWS_IAM"
            return _rejection("AccessDeniedException", {"Message": _FORBIDDEN}, note)
        refused = refusal(request, self.credentials, SCOPE, self._clock())
        if refused is None:
            return None
        note = refused.message
        if refused.canonical:
            note = f"the signature does not match; the canonical request is {refused.canonical!r}"
        return _rejection(refused.error_type, {"message": refused.message}, note)

    def identify(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return `event` with the identity of the user, for a request that the user has signed."""
        caller = {
            "accessKey": self.credentials.access_key,
            "accountId": ACCOUNT_ID,
            "callerId": self._user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{ACCOUNT_ID}:user/{USER}",
            "userId": self._user_id,
        }
        headers = {name: value for name, value in event["headers"].items() if name != "authorization"}
        context = {**event["requestContext"], "accountId": ACCOUNT_ID, "authorizer": {"iam": caller}}
        return {**event, "headers": headers, "requestContext": context}


def _random(letters: str, size: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(size))


def _rejection(error_type: str, report: dict[str, str], note: str) -> Rejection:
    headers = [("content-type", "application/json"), ("x-amzn-errortype", error_type)]
    return Rejection(headers, json.dumps(report, separators=(",", ":")).encode(), f"{note}; the client gets 403")
