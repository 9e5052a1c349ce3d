"""One invocation as the emulator sees it: what the runtime is told, and the channel that the response comes back on."""

import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

from .channel import FunctionError, ResponseChannel
from .invocation_log import LogTail


def new_trace_id() -> str:
    """An X-Ray trace header (AWS X-Ray Developer Guide, "Tracing header")."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


def _new_id() -> str:
    return str(uuid.uuid4())


class CognitoIdentity(NamedTuple):
    """Who invokes, if it is a user of an app that signs in with Amazon Cognito."""

    identity_id: str
    pool_id: str


@dataclass
class Invocation:
    """An event for a function and the way of the response."""

    event: bytes
    trace_id: str = field(default_factory=new_trace_id)
    """Empty if the caller gave none and nobody traces."""
    request_id: str = field(default_factory=_new_id)
    attempt: str = field(default_factory=_new_id)
    """Tells one try from another that has the same request id."""
    client_context: str | None = None
    """JSON text."""
    cognito_identity: CognitoIdentity | None = None
    tenant_id: str | None = None
    streamed: bool = True
    """Whether the caller reads the response as it comes; otherwise it waits for all of it."""
    channel: ResponseChannel = field(default_factory=ResponseChannel)
    tail: LogTail = field(default_factory=LogTail)

    def fail(self, error_type: str, message: str) -> None:
        """End the response with an error that the platform reports, not the runtime."""
        report = {"errorType": error_type, "errorMessage": f"RequestId: {self.request_id} Error: {message}"}
        self.channel.end(FunctionError(error_type, json.dumps(report).encode()))
