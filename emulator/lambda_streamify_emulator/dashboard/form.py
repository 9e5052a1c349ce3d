"""What the dashboard's form holds: an event for a function, or a request to its URL."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..urls.event import Request
from ..web.asgi import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..web.asgi import Receive

LIMIT = 8 * 1024 * 1024  # bytes: an event, and JSON around it
_METHOD = re.compile(r"[A-Z]{1,20}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110, section 5.5


class FormRefused(Exception):
    """What the form holds cannot be sent: an HTTP status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_form(receive: Receive) -> dict[str, Any]:
    """The form's fields. Raises FormRefused."""
    body = await read_body(receive, LIMIT)
    if body is None:
        raise FormRefused(413, f"what is sent must be smaller than {LIMIT} bytes")
    try:
        form = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormRefused(400, f"what is sent is not JSON: {error}") from error
    if not isinstance(form, dict):
        raise FormRefused(400, "what is sent is not a JSON object")
    return form


def event_of(form: Mapping[str, Any]) -> bytes:
    """The event. Raises FormRefused if it is not JSON."""
    event = _text(form, "event").encode()
    try:
        json.loads(event)
    except (ValueError, RecursionError) as error:
        raise FormRefused(400, f"the event is not JSON: {error}") from error
    return event


def request_of(form: Mapping[str, Any], url: str) -> Request:
    """The request to the function URL at `url`, with what clients add. Raises FormRefused if there is none such."""
    method, target, body = _text(form, "method"), _text(form, "path"), _text(form, "body").encode()
    if not _METHOD.fullmatch(method):
        raise FormRefused(400, f"{method!r} is no method")
    if not target.startswith("/"):
        raise FormRefused(400, f"the path {target!r} does not begin with /")
    path, _, query = quote(target, safe="/?%:@!$&'()*+,;=-._~[]").partition("?")
    headers = [_header(line) for line in _text(form, "headers").split("\n") if line.strip()]
    own = [("host", urlsplit(url).netloc), ("user-agent", "streamify-dashboard"), ("accept", "*/*")]
    if body:
        own.append(("content-length", str(len(body))))
    given = {name.lower() for name, _ in headers}
    return Request(method, path, query, [*(pair for pair in own if pair[0] not in given), *headers], "127.0.0.1", body)


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
        raise FormRefused(400, f"the header {line!r} is not of the form NAME: VALUE")
    if not _VALUE.fullmatch(value):
        raise FormRefused(400, f"the header {line!r} has characters that HTTP does not carry")
    return name, value
