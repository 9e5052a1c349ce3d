"""Signs requests to function URLs that require it. botocore's SigV4Auth computes the signature."""

from urllib.parse import quote, unquote_to_bytes

from .request import Request
from .sigv4 import Credentials, Scope

_SIGNED = ("content-type", "host", "x-amz-")  # headers that are signed: proxies do not change them


def sign(request: Request, credentials: Credentials, scope: Scope) -> list[tuple[str, str]]:
    """Return the headers that sign `request` now. It must already have its Host header."""
    from botocore.auth import SigV4Auth  # takes 50 ms, and few requests are signed
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotocoreCredentials

    signed = [(name, value) for name, value in request.headers if name.lower().startswith(_SIGNED)]
    host = next(value for name, value in signed if name.lower() == "host")
    query = f"?{_encoded(request.query)}" if request.query else ""
    aws_request = AWSRequest(request.method, f"http://{host}{request.path}{query}", data=request.body)
    for name, value in signed:
        aws_request.headers.add_header(name, value)
    own = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    SigV4Auth(own, scope.service, scope.region).add_auth(aws_request)
    names = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
    return [(name.lower(), aws_request.headers[name]) for name in names if name in aws_request.headers]


def _encoded(query: str) -> str:
    """Return the query with its names and values encoded as AWS does: botocore signs the query of a URL unchanged."""
    pairs = (part.partition("=")[::2] for part in query.split("&") if part)
    return "&".join(
        "=".join(quote(unquote_to_bytes(text.replace("+", " ")), "-_.~") for text in pair) for pair in pairs
    )
