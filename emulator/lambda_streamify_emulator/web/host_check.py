"""Keeps web pages away from the control port, where functions can be invoked without credentials.

Any page may send requests to an address of this machine. Two headers, which a page cannot change, give it away: Host if
the page's own name has been made to mean this machine (DNS rebinding), and Origin if the page comes from elsewhere.
Sources: RFC 9110, section 7.2, for Host; RFC 6454, section 7, and the Fetch standard for Origin.
"""

import json
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from .asgi import App, Receive, Scope, Send, respond

SAFE = ("GET", "HEAD")  # what they return no other page can read, and they change nothing


class HostCheck:
    """The ASGI application `app`, for requests that name this machine; `bound` is the host that it listens on."""

    def __init__(self, app: App, bound: str) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 with the reason, in the form that SDKs show."""
        found = {
            wanted: [value.decode("latin-1") for name, value in scope["headers"] if name == wanted.encode()]
            for wanted in ("host", "origin")
        }
        problem = refusal(scope["method"], found["host"], found["origin"], self._bound)
        if problem is None:
            await self._app(scope, receive, send)
            return
        headers = [("content-type", "application/json"), ("x-amzn-errortype", "AccessDeniedException")]
        await respond(send, 403, headers, json.dumps({"Type": "User", "Message": problem}).encode())


def refusal(method: str, hosts: Sequence[str], origins: Sequence[str], bound: str) -> str | None:
    """Why a request with these Host and Origin headers is not for this port; None if it is."""
    if len(hosts) > 1 or not all(_names_this_machine(host, bound) for host in hosts):
        return (
            f"the Host header {', '.join(hosts)!r} is not a name of this emulator, so that no web page can pose as it: "
            "use localhost, an IP address, or the name that `streamify serve --host` was given"
        )
    own = [f"{scheme}://{host.lower()}" for host in hosts for scheme in ("http", "https")]
    if method not in SAFE and any(origin.lower() not in own for origin in origins):
        return (
            f"the Origin header {', '.join(origins)!r} is that of another web page, and only pages of this port may "
            "call it: let your page ask a server of yours, or a function's URL"
        )
    return None


def _names_this_machine(host: str, bound: str) -> bool:
    """Whether no page can have this name: rebinding needs one that its owner can point anywhere."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return False
    return name in ("localhost", bound.lower()) or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
