"""One invocation: the data that the runtime gets, and the channel that carries the response back."""

import json
import secrets
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .channel import FunctionError, ResponseChannel
from .invocation_log import LogTail
from .response_metrics import ResponseMetrics


def new_trace_id() -> str:
    """Return a new X-Ray trace header (AWS X-Ray Developer Guide, "Tracing header")."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


def _new_id() -> str:
    return str(uuid.uuid4())


class CognitoIdentity(NamedTuple):
    """The identity of a caller that has signed in with Amazon Cognito."""

    identity_id: str
    pool_id: str


@dataclass
class Invocation:
    """An event for a function, and the channel of the response."""

    event: bytes
    trace_id: str = field(default_factory=new_trace_id)
    """Empty if the caller sent none and nothing is traced."""
    request_id: str = field(default_factory=_new_id)
    attempt: str = field(default_factory=_new_id)
    """Distinguishes the attempts that have the same request id."""
    client_context: str | None = None
    """JSON text."""
    cognito_identity: CognitoIdentity | None = None
    tenant_id: str | None = None
    qualifier: str | None = None
    """The version or alias that the caller named, if any."""
    streamed: bool = True
    """Whether the caller reads the response as it arrives; otherwise it waits for the whole response."""
    channel: ResponseChannel = field(default_factory=ResponseChannel)
    tail: LogTail = field(default_factory=LogTail)
    metrics: ResponseMetrics = field(default_factory=ResponseMetrics)

    def new_attempt(self) -> "Invocation":
        """Return another attempt: the same event and request id, with a new response."""
        channel, tail, metrics = ResponseChannel(), LogTail(), ResponseMetrics()
        return replace(self, attempt=_new_id(), channel=channel, tail=tail, metrics=metrics)

    def fail(self, error_type: str, message: str) -> None:
        """End the response with an error that the platform reports, rather than the runtime."""
        report = {"errorType": error_type, "errorMessage": f"RequestId: {self.request_id} Error: {message}"}
        self.channel.end(FunctionError(error_type, json.dumps(report).encode()))
