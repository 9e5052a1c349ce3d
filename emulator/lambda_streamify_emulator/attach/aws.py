"""Calls AWS by boto3, with the credentials of the caller, and says in one sentence why a call failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import AttachError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_FOUND = frozenset({"ResourceNotFoundException", "NotFoundException"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "UnauthorizedException"})
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"})
_CHANGED = frozenset({"PreconditionFailedException"})


class CallError(AttachError):
    """A call to AWS failed. `code` is AWS's name of the error, "" if AWS did not answer."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_not_found(self) -> bool:
        """Whether the thing that the call names does not exist."""
        return self.code in NOT_FOUND

    @property
    def is_denied(self) -> bool:
        """Whether the credentials lack a right."""
        return self.code in _DENIED


class Aws:
    """The services of one account and region. Raises CallError; the number of retries is that of the AWS CLI."""

    def __init__(self, region: str | None = None, profile: str | None = None, endpoint_url: str | None = None) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError

        region = region or os.environ.get("AWS_REGION")  # the AWS CLI reads it, and boto3 does not
        try:
            self.session: Any = boto3.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise CallError(_reason(error)) from error
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service, such as `lambda`."""
        from botocore.exceptions import BotoCoreError

        if service not in self._clients:
            try:
                self._clients[service] = self.session.client(service, endpoint_url=self._endpoint_url)
            except (BotoCoreError, ValueError) as error:
                raise CallError(_reason(error)) from error
        return self._clients[service]

    def call(self, operation: str, service: str = "lambda", **arguments: Any) -> dict[str, Any]:
        """Call an operation by its name in the API, such as `GetFunction`."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        method = getattr(self.client(service), xform_name(operation))
        try:
            answer: dict[str, Any] = method(**arguments)
        except ClientError as error:
            raise _call_error(action(service, operation), error.response["Error"]) from error
        except BotoCoreError as error:
            raise CallError(_reason(error)) from error
        return answer

    def knows(self, operation: str, argument: str) -> bool:
        """Whether the installed boto3 knows an argument of an operation of Lambda."""
        model = self.client("lambda").meta.service_model.operation_model(operation)
        return argument in model.input_shape.members

    def pages(self, operation: str, key: str, service: str = "lambda", **arguments: Any) -> Iterator[Any]:
        """Yield the members of the list `key` of all pages of an operation's answer."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        paginator = self.client(service).get_paginator(xform_name(operation))
        try:
            for page in paginator.paginate(**arguments):
                yield from page.get(key) or ()
        except ClientError as error:
            raise _call_error(action(service, operation), error.response["Error"]) from error
        except BotoCoreError as error:
            raise CallError(_reason(error)) from error

    def wait(self, waiter: str, **arguments: Any) -> None:
        """Wait as one of botocore's waiters of Lambda does, such as `function_updated_v2`."""
        from botocore.exceptions import BotoCoreError, ClientError, WaiterError

        try:
            self.client("lambda").get_waiter(waiter).wait(**arguments)
        except WaiterError as error:
            last: Any = error.last_response
            if "Error" in last:
                raise _call_error("lambda:GetFunction", last["Error"]) from error
            configuration = last.get("Configuration", last)
            reason = configuration.get("LastUpdateStatusReason") or configuration.get("StateReason") or error
            raise CallError(f"{arguments['FunctionName']} did not become ready: {reason}") from error
        except ClientError as error:
            raise _call_error("lambda:GetFunction", error.response["Error"]) from error
        except BotoCoreError as error:
            raise CallError(_reason(error)) from error


def action(service: str, operation: str) -> str:
    """Return the name of the right that an operation needs, as IAM policies spell it.

    API Gateway names its rights after HTTP methods (Service Authorization Reference, "Amazon API Gateway Management").
    """
    if service in ("apigateway", "apigatewayv2"):
        return "apigateway:GET"
    return f"{service}:{operation}"


def _call_error(right: str, problem: Mapping[str, Any]) -> CallError:
    code, message = problem.get("Code", ""), " ".join(str(problem.get("Message", "")).split())
    if code in _DENIED:
        text = f"the credentials lack the right {right}: allow it, or name others by --profile; AWS says: {message}"
    elif code in _THROTTLED:
        text = f"AWS throttles {right}, also after retries: try again in a minute; AWS says: {message}"
    elif code in _EXPIRED:
        text = f"AWS does not accept the credentials for {right}: renew them, or name others by --profile; {message}"
    elif code in _CHANGED:
        text = f"{right}: somebody else has changed the function at the same moment: try again"
    else:
        text = f"{right}: {code}: {message}"
    return CallError(text, code)


def _reason(error: Exception) -> str:
    from botocore.exceptions import (
        EndpointConnectionError,
        NoCredentialsError,
        NoRegionError,
        PartialCredentialsError,
        ProfileNotFound,
    )

    text = " ".join(str(error).split())
    if isinstance(error, NoRegionError):
        return "there is no region: name one by --region, or set AWS_REGION"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "there are no AWS credentials: sign in with the AWS CLI, or name a profile by --profile"
    if isinstance(error, ProfileNotFound):
        return f"--profile: {text}"
    if isinstance(error, EndpointConnectionError):
        return f"AWS does not answer: {text}"
    return f"AWS cannot be called: {text}"
