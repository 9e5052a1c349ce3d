"""What SAM makes of the Cors of a REST API: an OPTIONS method for each path, which API Gateway answers itself.

Source: SAM's translator 1.115. Values are as API Gateway's mock integrations have them: text in single quotes. The
function's own responses are not touched: it has to set Access-Control-Allow-Origin itself.
"""

from collections.abc import Iterable
from typing import Any

from ..errors import TemplateError
from ..template.values import kind

_HEADERS = {
    "AllowOrigin": "access-control-allow-origin",
    "AllowMethods": "access-control-allow-methods",
    "AllowHeaders": "access-control-allow-headers",
    "MaxAge": "access-control-max-age",
}
_ANY = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

Headers = tuple[tuple[str, str], ...]


def preflight_headers(where: str, cors: Any, methods: Iterable[str]) -> Headers:
    """The headers of the answer for a path that has these methods."""
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
