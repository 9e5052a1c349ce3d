"""Signs requests to function URLs and REST APIs that require IAM. botocore computes the signature.

botocore is part of Lambda's Python runtimes. Elsewhere, boto3 brings it.

Sources: AWS Lambda Developer Guide, "Control access to Lambda function URLs" (service `lambda`), and API Gateway
Developer Guide, "Control access to a REST API with IAM permissions" (service `execute-api`).
"""

from ..errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ._request import Request

    class SigningCredentials(Protocol):
        """What is used of the credentials of botocore and boto3."""

        def get_frozen_credentials(self) -> Any: ...


_SIGNED_HEADERS = ("content-type", "host", "x-amz-")  # proxies do not change them
_ADDED_HEADERS = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
# The second label of AWS's own addresses. The region is the third.
_FUNCTION_URL, _API = "lambda-url", "execute-api"


class SigV4:
    """How to sign requests, for the argument `sign` of `stream` and `astream`.

        sign=SigV4(region="eu-west-1", service="execute-api")   # an API with a domain name of its own

    region        str; by default that in an address of AWS, else the one of botocore's configuration
    service       "lambda" for function URLs, "execute-api" for API Gateway; by default what the address says, else
                  "lambda"
    credentials   those of a session of boto3 or botocore, `session.get_credentials()`; by default botocore looks for
                  them as the AWS CLI does. Temporary ones are renewed in time.
    """

    def __init__(
        self,
        *,
        region: "str | None" = None,
        service: "str | None" = None,
        credentials: "SigningCredentials | None" = None,
    ) -> None:
        self._region = region
        self._service = service
        self._credentials = credentials

    def headers(self, request: "Request") -> "dict[str, str]":
        """The headers that sign `request` now. Raises RequestError if botocore, credentials or a region are missing."""
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
        except ImportError as error:
            raise RequestError("botocore signs requests, and is not installed: pip install botocore") from error
        service, region = of_address(request.host)
        region = self._region or region
        if self._credentials is None or region is None:
            region = self._look_up(region)
        if self._credentials is None:
            raise RequestError("botocore finds no credentials to sign with: pass SigV4(credentials=...)")
        if region is None:
            raise RequestError(f"neither {request.host} nor botocore's settings name a region: pass SigV4(region=...)")
        signed = AWSRequest(request.method, _canonical_url(request), data=request.content or b"")
        for name, value in request.headers.items():
            if name.startswith(_SIGNED_HEADERS):
                signed.headers[name] = value
        signed.headers["host"] = request.host_header
        SigV4Auth(self._credentials.get_frozen_credentials(), self._service or service, region).add_auth(signed)
        return {name.lower(): signed.headers[name] for name in _ADDED_HEADERS if name in signed.headers}

    def _look_up(self, region: "str | None") -> "str | None":
        """Let botocore find the credentials, and the region that it is configured for unless there is one."""
        from botocore.session import Session

        session = Session()
        self._credentials = self._credentials or session.get_credentials()
        configured: str | None = region or session.get_config_variable("region")
        return configured


def of_address(host: str) -> "tuple[str, str | None]":
    """The service and the region that an address of AWS names, such as abc.lambda-url.us-east-1.on.aws."""
    _, *labels = host.lower().split(".")
    if len(labels) > 2 and labels[0] == _FUNCTION_URL:
        return "lambda", labels[1]
    if len(labels) > 2 and labels[0] == _API:
        return _API, labels[1]
    return "lambda", None


def _canonical_url(request: "Request") -> str:
    """The URL with its query encoded as AWS encodes it: botocore signs the query as it stands."""
    from urllib.parse import quote, unquote_to_bytes

    path, _, query = request.target.partition("?")
    pairs = (part.partition("=")[::2] for part in query.split("&") if part)
    encoded = "&".join(
        "=".join(quote(unquote_to_bytes(text.replace("+", " ")), "-_.~") for text in pair) for pair in pairs
    )
    return f"{request.scheme}://{request.authority}{path}{'?' if encoded else ''}{encoded}"
