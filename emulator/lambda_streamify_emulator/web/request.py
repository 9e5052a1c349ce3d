"""An HTTP request in the form that the front ends, the event builders and the signature check share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asgi import Scope


@dataclass(frozen=True)
class Request:
    """An HTTP request as the client sent it. `port` is the emulator's."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    client: str
    body: bytes
    http_version: str = "1.1"
    scheme: str = "http"
    port: int = 80

    @classmethod
    def from_scope(cls, scope: "Scope", body: bytes) -> "Request":
        """Return the request with an ASGI scope and its body."""
        return cls(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            scope["client"][0],
            body,
            scope["http_version"],
            scope["scheme"],
            scope["server"][1],
        )

    def at(self, public_host: str | None) -> "Request":
        """Return the request as if it had come to this name over https on port 443, as on AWS; without a name as it is.

        A proxy in front of the emulator may have another name for it, and speak http to it.
        """
        if public_host is None:
            return self
        others = [(name, value) for name, value in self.headers if name.lower() != "host"]
        return replace(self, headers=[("host", public_host), *others], scheme="https", port=443)
