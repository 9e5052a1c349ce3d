"""A URL's response as the events of a recording: any URL, a function's or not.

What one read gives is one chunk. A chunk of the server's may arrive in several reads, and HTTP lets any hop between
join and cut chunks (RFC 9112, section 7.1): these are the client's chunks.
"""

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from urllib.parse import urlsplit

from ..errors import EndpointError
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event
from .signing import Signer, find_signer, is_unsigned, known_signer

PATIENCE = 910  # seconds of silence: a function may run for 15 minutes
_BLOCK = 64 * 1024


def is_url(target: str) -> bool:
    """Whether `target` is a URL and no function's name, which has no slashes."""
    return urlsplit(target).scheme in ("http", "https")


def ask(
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Send a GET, or a POST with `body`, and yield what comes. Raises EndpointError if there is no answer.

    A request that a function URL turns away because it is not signed is sent once more, signed, if there are
    credentials for it; the time begins with the one that counts.
    """
    parts = urlsplit(url)
    try:
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    except (ValueError, http.client.HTTPException) as error:
        raise EndpointError(f"{url}: {error}") from error

    def send(signer: Signer | None) -> http.client.HTTPResponse:
        method, path = "GET" if body is None else "POST", parts.path or "/"
        added = signer.headers(method, url, headers or {}, body) if signer else {}
        connection.request(method, f"{path}?{parts.query}" if parts.query else path, body, {**(headers or {}), **added})
        return connection.getresponse()

    def elapsed() -> int:
        return int((clock() - start) * 1_000_000)

    with closing(connection):
        try:
            signer, start = known_signer(url), clock()
            response = send(signer)
            if signer is None and is_unsigned(response.status, response.headers["x-amzn-errortype"]):
                signer = find_signer(url)
                if signer is not None:
                    response.read()
                    start = clock()
                    response = send(signer)
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise EndpointError(f"{url} does not answer: {error}") from error
        yield from _read(response, elapsed)


def _read(response: http.client.HTTPResponse, elapsed: Callable[[], int]) -> Iterator[Event]:
    pairs = response.getheaders()
    cookies = [value for name, value in pairs if name.lower() == "set-cookie"]
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name.lower() != "set-cookie":
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
    yield Event(elapsed(), HEAD, {"status_code": response.status, "headers": fields, "cookies": cookies})
    chunks = size = 0
    reason = "end"
    try:
        while data := response.read1(_BLOCK):
            chunks, size = chunks + 1, size + len(data)
            yield chunk_event(elapsed(), data)
    except (OSError, http.client.HTTPException) as error:
        reason = "disconnect"
        yield Event(elapsed(), ERROR, {"type": type(error).__name__, "message": f"the body was cut off: {error}"})
    yield Event(elapsed(), END, {"reason": reason, "bytes": size, "chunks": chunks})
