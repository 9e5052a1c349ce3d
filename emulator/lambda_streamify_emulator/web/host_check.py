"""Protects the emulator's ports from web pages in the developer's browser.

Any web page can send requests to an address of this machine. Two headers, which the page cannot change, identify it.
Host is not a name of this machine if the page makes its own name point here (DNS rebinding). Origin is another site if
the page was loaded from there. Every port checks Host. Ports for programs, which need no credentials, also check
Origin. Function URLs and REST APIs do not: they are made for web pages, and their CORS settings name the origins.
Sources: RFC 9110, section 7.2, for Host; RFC 6454, section 7, and the Fetch standard for Origin.
"""

import json
import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..errors import AddressError
from .asgi import App, Receive, Scope, Send, respond

SAFE = ("GET", "HEAD")  # these methods change nothing, and pages of other origins cannot read the responses
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")


class HostCheck:
    """Wraps an ASGI application; passes on only requests whose Host header is an address or one of `names`.

    `own_pages_only` also refuses requests from web pages of other origins.
    """

    def __init__(self, app: App, names: Collection[str], *, own_pages_only: bool) -> None:
        self._app = app
        self._names = names
        self._own_pages_only = own_pages_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 with the reason in a format that SDKs display."""
        hosts = _values(scope, b"host")
        origins = _values(scope, b"origin") if self._own_pages_only else []
        problem = refusal(scope.get("method", "GET"), hosts, origins, self._names)
        if problem is None:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # before it is accepted: the server answers 403
            return
        headers = [("content-type", "application/json"), ("x-amzn-errortype", "AccessDeniedException")]
        await respond(send, 403, headers, json.dumps({"Type": "User", "Message": problem}).encode())


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def refusal(method: str, hosts: Sequence[str], origins: Sequence[str], names: Collection[str]) -> str | None:
    """Return why a request with these Host and Origin headers is refused; None if it is not."""
    if len(hosts) > 1 or not all(_names_this_machine(host, names) for host in hosts):
        return (
            f"the Host header {', '.join(hosts)!r} is not a name of this emulator; the check keeps web pages out: "
            "use localhost, an IP address, or a name given with --host or --allow-host"
        )
    own = [f"{scheme}://{host.lower()}" for host in hosts for scheme in ("http", "https")]
    if method not in SAFE and any(origin.lower() not in own for origin in origins):
        return (
            f"the Origin header {', '.join(origins)!r} is another web page's, and only pages of this port may "
            "call it: let your page call your own server, or a function's URL"
        )
    return None


def host_name(text: str, option: str = "--allow-host") -> str:
    """Return the host name given with the option in lower case. Raises AddressError if it is not a valid name."""
    if not _NAME.fullmatch(text):
        raise AddressError(f"{option} {text}: give a name as in the Host header, such as app.example.com")
    return text.lower().removesuffix(".")


def _names_this_machine(host: str, names: Collection[str]) -> bool:
    """Whether the host is an address or a known name: DNS rebinding needs a name that the attacker controls."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return False
    known = name == "localhost" or name.endswith(".localhost") or name in map(str.lower, names)
    return known or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
