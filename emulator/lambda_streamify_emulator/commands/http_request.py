"""The options that describe an HTTP request, and the request that they describe. They work as those of curl."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

import typer

from ..errors import RequestOptionError
from .events import read_event

# RFC 9110: a method and a header's name are tokens (section 5.6.2); a value has no other control characters than tabs
# (section 5.5).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\U0010ffff]*")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=-._~"  # stay as they are in a path; % because the path may be encoded already
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_CONTENT_TYPE, _COOKIE = "content-type", "cookie"

Method = Annotated[
    str | None, typer.Option("--method", metavar="METHOD", help="The HTTP method. Default: GET, or POST with --data.")
]
RequestPath = Annotated[str | None, typer.Option("--path", metavar="PATH", help="The path of the request.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DATA", help="The body of the request; @FILE is a file's content, - is standard input."
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="A header of the request. Repeatable."),
]
Query = Annotated[
    list[str] | None,
    typer.Option("--query", metavar="NAME=VALUE", help="A parameter of the query, not encoded. Repeatable."),
]


@dataclass(frozen=True)
class HttpRequest:
    """A request to a URL that is known only later. `path` and `query` are encoded; they are added to the URL's own."""

    method: str = "GET"
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def url(self, base: str) -> str:
        """Return the URL of the request, for a function or a REST API at the URL `base`."""
        parts = urlsplit(base)
        path = parts.path.rstrip("/") + self.path if self.path else parts.path
        return urlunsplit(parts._replace(path=path, query="&".join(filter(None, (parts.query, self.query)))))


def read_request(
    *,
    method: str | None = None,
    path: str | None = None,
    data: str | None = None,
    header: Iterable[str] | None = None,
    query: Iterable[str] | None = None,
    event: Path | None = None,
) -> HttpRequest | None:
    """Return the request of the options; None if none of them is given. `event` is a file with JSON, to be the body.

    Raises RequestOptionError if an option is not valid, or its file cannot be read.
    """
    if not any((method, path, data is not None, header, query, event)):
        return None
    if data is not None and event is not None:
        raise RequestOptionError("--data and --event: choose one of them; both are the body of the request")
    if method is not None and not _TOKEN.fullmatch(method):
        raise RequestOptionError(f"--method {method}: it is not an HTTP method, such as GET or POST")
    if path and not path.startswith("/"):
        raise RequestOptionError(f"--path {path}: it must begin with /")
    body = read_event(event) if event is not None else None if data is None else _read_data(data)
    headers = _headers(header or ())
    if body is not None and not any(name.lower() == _CONTENT_TYPE for name in headers):
        headers[_CONTENT_TYPE] = JSON if event is not None or _is_json(body) else FORM
    own_path, _, own_query = (path or "").partition("?")
    return HttpRequest(
        (method or ("GET" if body is None else "POST")).upper(),
        quote(own_path, safe=_PATH_CHARACTERS),
        "&".join([*filter(None, [quote(own_query, safe=_QUERY_CHARACTERS)]), *map(_parameter, query or ())]),
        headers,
        body,
    )


def _read_data(data: str) -> bytes:
    if data in ("-", "@-"):
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode("utf-8", "surrogateescape")
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise RequestOptionError(f"--data {data}: the file cannot be read: {error.strerror}") from error


def _is_json(body: bytes) -> bool:
    """Whether the body is a JSON object or array; a number or a word may just as well be text."""
    try:
        return isinstance(json.loads(body), (dict, list))
    except (ValueError, RecursionError):
        return False


def _headers(lines: Iterable[str]) -> dict[str, str]:
    """Return the headers. Several of one name become one (RFC 9110, section 5.3; for cookies RFC 6265, section 5.4)."""
    headers: dict[str, str] = {}
    names: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _TOKEN.fullmatch(name):
            raise RequestOptionError(f"--header {line}: write it as 'NAME: VALUE'")
        if not _VALUE.fullmatch(value):
            raise RequestOptionError(f"--header {line!r}: the value contains characters that HTTP does not allow")
        value = value.encode().decode("latin-1")  # http.client sends Latin-1; these are the bytes that curl sends
        known = names.setdefault(name.lower(), name)
        separator = "; " if known.lower() == _COOKIE else ", "
        headers[known] = f"{headers[known]}{separator}{value}" if known in headers else value
    return headers


def _parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise RequestOptionError(f"--query {text}: write it as NAME=VALUE")
    return f"{quote(name, safe='')}={quote(value, safe='')}"
