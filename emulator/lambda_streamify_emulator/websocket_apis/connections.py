"""The open connections of a WebSocket API, and what may be sent on them.

Source: Amazon API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API" and "Use @connections
commands in your backend service".
"""

import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

MESSAGE_LIMIT_BYTES = 128 * 1024
IDLE_TIMEOUT_S = 10 * 60.0
DURATION_LIMIT_S = 2 * 60 * 60.0


def new_id() -> str:
    """Return an id in the form of API Gateway's: base64, with its padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode("ascii")


@dataclass(eq=False)
class Connection:
    """One open connection. Times are in seconds since 1970."""

    domain: str
    """The host, and the port, at which the client has reached the API."""
    api_id: str
    identity: dict[str, str]
    """The client's address and user agent."""
    connected_at: float
    send_text: Callable[[str], Awaitable[None]]
    close: Callable[[int, str], Awaitable[None]]
    """Closes the connection with a status code and a reason."""
    id: str = field(default_factory=new_id)
    last_active_at: float = 0.0
