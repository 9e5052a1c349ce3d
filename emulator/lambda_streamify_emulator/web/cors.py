"""The CORS of a function URL: the answer to a preflight request, and the headers that the URL adds to all others.

Sources: AWS Lambda API Reference, "Cors", for the properties and their limits; AWS Lambda Developer Guide, "Creating
and managing Lambda function URLs", for who wins: the URL answers a preflight request alone, and adds its headers to
those of the function for every other one, so that a browser may find one twice and refuse. Which headers these are was
seen in responses of August 2024.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import TemplateError
from .asgi import Message, Send

MAX_AGE = 86400  # seconds
# How many entries, what each one is, and what it looks like: an origin as in RFC 6454, section 6.2, a method of those
# that CloudFormation lists ("AWS::Lambda::Url Cors"), a header's name as in RFC 9110, section 5.6.2, which fits * too.
_HEADER = (100, "one header's name of up to 1024 characters", re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,1024}"))
_LISTS = {
    "AllowOrigins": (100, "one origin of up to 253 characters", re.compile(r"[!-~]{1,253}")),
    "AllowMethods": (6, "GET, PUT, HEAD, POST, PATCH, DELETE or *", re.compile(r"GET|PUT|HEAD|POST|PATCH|DELETE|\*")),
    "AllowHeaders": _HEADER,
    "ExposeHeaders": _HEADER,
}

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Cors:
    """Which pages may read what."""

    origins: Sequence[str] = ()
    methods: Sequence[str] = ()
    headers: Sequence[str] = ()
    exposed: Sequence[str] = ()
    credentials: bool = False
    max_age: int | None = None
    """How long a browser may keep the answer to a preflight request, in seconds."""

    def preflight(self, origin: str) -> Headers:
        """The headers that answer a preflight request of this origin: what is configured, whatever it asks for."""
        common = self._common(origin)
        if not common:
            return []
        lists = {"access-control-allow-headers": self.headers, "access-control-allow-methods": self.methods}
        found = [*common, *((name, ",".join(values)) for name, values in lists.items() if values)]
        return found if self.max_age is None else [*found, ("access-control-max-age", str(self.max_age))]

    def others(self, origin: str) -> Headers:
        """The headers that are added to the answer of any other request of this origin; "" if it names none."""
        common = self._common(origin)
        return (
            [*common, ("access-control-expose-headers", ",".join(self.exposed))] if common and self.exposed else common
        )

    def _common(self, origin: str) -> Headers:
        anyone = "*" in self.origins
        if not origin or (not anyone and origin not in self.origins):
            return []
        if anyone and not self.credentials:
            return [("access-control-allow-origin", "*")]
        # Browsers take no * together with credentials.
        found = [("access-control-allow-origin", origin), ("vary", "Origin")]
        return [*found, ("access-control-allow-credentials", "true")] if self.credentials else found


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks if it may send a request (Fetch standard, "CORS-preflight request")."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def adding(send: Send, headers: Headers) -> Send:
    """A `send` that adds these headers to the response."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *pairs]}
        await send(message)

    return send_more


def twice(headers: Headers, added: Headers) -> list[str]:
    """The CORS headers of a function's that a browser finds a second time among those that are added."""
    names = {name for name, _ in added if name.startswith("access-control-")}
    return [name for name, _ in headers if name.lower() in names]


# --- the property ----------------------------------------------------------------------------------------------------


def read_cors(where: str, value: Mapping[str, Any]) -> Cors:
    """The configuration that the property Cors gives. Raises TemplateError; its message begins with `where`."""
    # What could not be resolved is named elsewhere, and counts as left out.
    given = {name: item for name, item in value.items() if item is not None and not isinstance(item, dict)}
    known = (*_LISTS, "AllowCredentials", "MaxAge")
    for name in given:
        if name not in known:
            raise TemplateError(f"{where}: {name} is not one of {', '.join(known)}")
    return Cors(
        origins=_list(where, "AllowOrigins", given),
        methods=_list(where, "AllowMethods", given),
        headers=_list(where, "AllowHeaders", given),
        exposed=_list(where, "ExposeHeaders", given),
        credentials=_boolean(where, given.get("AllowCredentials", False)),
        max_age=_age(where, given["MaxAge"]) if "MaxAge" in given else None,
    )


def _list(where: str, key: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    values, (most, what, fits) = given.get(key, []), _LISTS[key]
    if not isinstance(values, list):
        raise TemplateError(f"{where}: {key}: {values!r} is not a list")
    if len(values) > most:
        raise TemplateError(f"{where}: {key}: it has {len(values)} entries, and {most} are the most")
    found = tuple(value for value in values if not isinstance(value, dict))
    for value in found:
        if not isinstance(value, str) or not fits.fullmatch(value):
            raise TemplateError(f"{where}: {key}: {value!r} is not {what}")
    return found


def _boolean(where: str, value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise TemplateError(f"{where}: AllowCredentials: {value!r} is not true or false")
    return str(value).lower() == "true"


def _age(where: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)) or int(value) > MAX_AGE:
        raise TemplateError(f"{where}: MaxAge: {value!r} is not a number of seconds from 0 to {MAX_AGE}")
    return int(value)
