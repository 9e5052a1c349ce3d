"""The property Cors of a function URL, and the response headers that follow from it.

Sources: AWS Lambda API Reference, "Cors", for the properties and their limits; responses of August 2024 for the headers
that a URL sends.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import TemplateError

MAX_AGE_LIMIT_S = 86400
# For each list: the highest number of entries, the description of an entry, and its pattern. Origins are as in RFC
# 6454, section 6.2, methods are those that CloudFormation lists ("AWS::Lambda::Url Cors"), and header names are as in
# RFC 9110, section 5.6.2, which also allows *.
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
    """The CORS configuration of a function URL."""

    origins: Sequence[str] = ()
    methods: Sequence[str] = ()
    headers: Sequence[str] = ()
    exposed: Sequence[str] = ()
    credentials: bool = False
    max_age: int | None = None
    """How long a browser may keep the answer to a preflight request, in seconds."""

    def preflight(self, origin: str) -> Headers:
        """Return the headers of the response to a preflight request: all that is configured, whatever it asks for."""
        common = self._common(origin)
        if not common:
            return []
        lists = {"access-control-allow-headers": self.headers, "access-control-allow-methods": self.methods}
        found = [*common, *((name, ",".join(values)) for name, values in lists.items() if values)]
        return found if self.max_age is None else [*found, ("access-control-max-age", str(self.max_age))]

    def actual_response(self, origin: str) -> Headers:
        """Return the headers to add to the response to any other request. `origin` is "" if the request has none."""
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
        # Browsers do not accept * with credentials.
        found = [("access-control-allow-origin", origin), ("vary", "Origin")]
        return [*found, ("access-control-allow-credentials", "true")] if self.credentials else found


def read_cors(where: str, value: Mapping[str, Any]) -> Cors:
    """Return the configuration in the property Cors. Raises TemplateError; its message begins with `where`."""
    # An unresolved value is reported elsewhere, and is ignored here.
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


def lenient_cors(value: Mapping[str, Any]) -> Cors:
    """Return the CorsConfiguration of an HTTP API, whose limits are others; what is not valid or known is ignored."""
    age = str(value.get("MaxAge"))
    return Cors(
        origins=_texts(value.get("AllowOrigins")),
        methods=_texts(value.get("AllowMethods")),
        headers=_texts(value.get("AllowHeaders")),
        exposed=_texts(value.get("ExposeHeaders")),
        credentials=str(value.get("AllowCredentials")).lower() == "true",
        max_age=int(age) if re.fullmatch(r"[0-9]{1,9}", age) else None,
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _list(where: str, key: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    values, (limit, what, fits) = given.get(key, []), _LISTS[key]
    if not isinstance(values, list):
        raise TemplateError(f"{where}: {key}: {values!r} is not a list")
    if len(values) > limit:
        raise TemplateError(f"{where}: {key}: it has {len(values)} entries; the limit is {limit}")
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
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)) or int(value) > MAX_AGE_LIMIT_S:
        raise TemplateError(f"{where}: MaxAge: {value!r} is not a number of seconds from 0 to {MAX_AGE_LIMIT_S}")
    return int(value)
