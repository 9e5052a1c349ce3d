"""One invocation as the emulator sees it: what the runtime is told, and the channel that the response comes back on."""

import json
import secrets
import time
import uuid
from dataclasses import dataclass, field

from .channel import FunctionError, ResponseChannel


def new_trace_id() -> str:
    """An X-Ray trace header (AWS X-Ray Developer Guide, "Tracing header")."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


@dataclass
class Invocation:
    """An event for a function and the way of the response."""

    event: bytes
    trace_id: str = field(default_factory=new_trace_id)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    channel: ResponseChannel = field(default_factory=ResponseChannel)

    def fail(self, error_type: str, message: str) -> None:
        """End the response with an error that the platform reports, not the runtime."""
        report = {"errorType": error_type, "errorMessage": f"RequestId: {self.request_id} Error: {message}"}
        self.channel.end(FunctionError(error_type, json.dumps(report).encode()))
