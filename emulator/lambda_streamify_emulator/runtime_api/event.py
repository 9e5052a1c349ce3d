"""The answer to /runtime/invocation/next: an event with its headers."""

import json

from ..invocations.invocation import Invocation
from ..template.reader import Function
from .wire import Answer


def invoked_arn(function: Function, invocation: Invocation) -> str:
    """Return the ARN of the function as the caller named it: with the version or the alias, if any."""
    return f"{function.arn}:{invocation.qualifier}" if invocation.qualifier else function.arn


def event_answer(function: Function, invocation: Invocation, deadline: float) -> Answer:
    """Return the answer, without the headers whose values are empty. `deadline` is in seconds since the epoch."""
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": invoked_arn(function, invocation),
        "Lambda-Runtime-Invocation-Id": invocation.attempt,
        "Lambda-Runtime-Trace-Id": invocation.trace_id,
        "Lambda-Runtime-Client-Context": invocation.client_context,
        "Lambda-Runtime-Aws-Tenant-Id": invocation.tenant_id,
        "Lambda-Runtime-Cognito-Identity": None,
    }
    if invocation.cognito_identity is not None:
        identity_id, pool_id = invocation.cognito_identity
        identity = {"cognitoIdentityId": identity_id, "cognitoIdentityPoolId": pool_id}
        headers["Lambda-Runtime-Cognito-Identity"] = json.dumps(identity, separators=(",", ":"))
    return Answer(200, invocation.event, {name: value for name, value in headers.items() if value})
