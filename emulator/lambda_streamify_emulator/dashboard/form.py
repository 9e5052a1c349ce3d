"""Reads the dashboard's form, which contains an event for a function or a request to its URL."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..web.asgi import read_body
from ..web.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..web.asgi import Receive

FORM_LIMIT_BYTES = 8 * 1024 * 1024  # an event, and the JSON around it
_METHOD = re.compile(r"[A-Z]{1,20}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110, section 5.5


class FormRefused(Exception):
    """The form's content cannot be sent. `status` is the HTTP status of the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_form(receive: Receive) -> dict[str, Any]:
    """Return the form's fields. Raises FormRefused if the body is too large, or not a JSON object."""
    body = await read_body(receive, FORM_LIMIT_BYTES)
    if body is None:
        raise FormRefused(413, f"the form must be smaller than {FORM_LIMIT_BYTES} bytes")
    try:
        form = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormRefused(400, f"the form is not JSON: {error}") from error
    if not isinstance(form, dict):
        raise FormRefused(400, "the form is not a JSON object")
    return form


def event_of(form: Mapping[str, Any]) -> bytes:
    """Return the event of the form. Raises FormRefused if it is not JSON."""
    event = _text(form, "event").encode()
    try:
        json.loads(event)
    except (ValueError, RecursionError) as error:
        raise FormRefused(400, f"the event is not JSON: {error}") from error
    return event


def request_of(form: Mapping[str, Any], url: str) -> Request:
    """Return the request to the function URL `url`, with default headers. Raises FormRefused for an invalid request."""
    method, target, body = _text(form, "method"), _text(form, "path"), _text(form, "body").encode()
    if not _METHOD.fullmatch(method):
        raise FormRefused(400, f"{method!r} is not an HTTP method")
    if not target.startswith("/"):
        raise FormRefused(400, f"the path {target!r} must begin with /")
    path, _, query = quote(target, safe="/?%:@!$&'()*+,;=-._~[]").partition("?")
    headers = [_header(line) for line in _text(form, "headers").split("\n") if line.strip()]
    address = urlsplit(url)
    defaults = [("host", address.netloc), ("user-agent", "streamify-dashboard"), ("accept", "*/*")]
    if body:
        defaults.append(("content-length", str(len(body))))
    given = {name.lower() for name, _ in headers}
    headers = [*(pair for pair in defaults if pair[0] not in given), *headers]
    return Request(
        method, path, query, headers, "127.0.0.1", body, scheme=address.scheme, port=address.port or Request.port
    )


def _text(form: Mapping[str, Any], name: str) -> str:
    text = form.get(name, "")
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):
        raise FormRefused(400, f"{name} is not text") from None
    return str(text)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _NAME.fullmatch(name):
        raise FormRefused(400, f"the header {line!r} must be written as NAME: VALUE")
    if not _VALUE.fullmatch(value):
        raise FormRefused(400, f"the header {line!r} contains characters that HTTP does not allow")
    return name, value
