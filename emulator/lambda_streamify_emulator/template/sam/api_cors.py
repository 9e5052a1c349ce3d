"""The Cors property of a REST API. SAM translates it to an OPTIONS method for each path, which API Gateway answers.

Source: SAM's translator 1.115. Values are text in single quotes, as in API Gateway's mock integrations. The function's
own responses are not changed: the function must set Access-Control-Allow-Origin itself.
"""

from collections.abc import Iterable
from typing import Any

from ...errors import TemplateError
from ..values import kind

_HEADERS = {
    "AllowOrigin": "access-control-allow-origin",
    "AllowMethods": "access-control-allow-methods",
    "AllowHeaders": "access-control-allow-headers",
    "MaxAge": "access-control-max-age",
}
_ANY = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

Headers = tuple[tuple[str, str], ...]


def preflight_headers(where: str, cors: Any, methods: Iterable[str]) -> Headers:
    """Return the headers of the preflight response for a path that has these methods."""
    if isinstance(cors, str):
        cors = {"AllowOrigin": cors}
    if not isinstance(cors, dict):
        raise TemplateError(f"{where}: Cors: it is {kind(cors)} instead of a mapping or an origin")
    own = {*methods, "OPTIONS"}
    allowed = ",".join(_ANY if "ANY" in own else sorted(own))
    values = {"AllowMethods": f"'{allowed}'", **{key: cors[key] for key in _HEADERS if isinstance(cors.get(key), str)}}
    headers = [(name, values[key].strip("'")) for key, name in _HEADERS.items() if key in values]
    if cors.get("AllowCredentials") is True:
        headers.append(("access-control-allow-credentials", "true"))
    return tuple(headers)
