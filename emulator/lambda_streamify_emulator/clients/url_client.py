"""Requests any URL, a function's or not, and returns the response as the events of a recording.

Each read from the connection is one chunk. These chunks are the client's, not the server's: a server's chunk may arrive
in several reads, and intermediaries may join and split chunks (RFC 9112, section 7.1).
"""

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from urllib.parse import SplitResult, urlsplit

from ..errors import EndpointError
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event
from .signing import Signer, find_signer, is_unsigned, known_signer
from .trust import known_context

READ_TIMEOUT_S = 910  # a function may run, and send nothing, for 15 minutes
_READ_SIZE_BYTES = 64 * 1024


def is_url(target: str) -> bool:
    """Return whether `target` is a URL rather than a function's name."""
    return urlsplit(target).scheme in ("http", "https")


def ask(
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    *,
    method: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Event]:
    """Send a request and yield the events of the response. The default method is GET, or POST if there is a `body`.

    If a function URL refuses the request because it is unsigned, and credentials for it exist, the request is sent a
    second time, signed; times then count from the second one. `tls` decides which certificates are trusted; by
    default those that Python trusts, and for an emulator's URL its own. Raises EndpointError if there is no response.
    """
    parts = urlsplit(url)
    method = method or ("GET" if body is None else "POST")
    try:
        connection = _connection(parts, tls or known_context(url))
    except (ValueError, http.client.HTTPException) as error:
        raise EndpointError(f"{url}: {error}") from error

    def send(signer: Signer | None) -> http.client.HTTPResponse:
        path = parts.path or "/"
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
        except ssl.SSLCertVerificationError as error:
            hint = "if you know the CA that has issued it, name its file in SSL_CERT_FILE"
            raise EndpointError(f"{url}: its certificate is not trusted, {error.verify_message}: {hint}") from error
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise EndpointError(f"{url} does not answer: {error}") from error
        yield from _read(response, elapsed)


def _connection(parts: SplitResult, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=READ_TIMEOUT_S, context=tls)
    return http.client.HTTPConnection(host, port, timeout=READ_TIMEOUT_S)


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
        while data := response.read1(_READ_SIZE_BYTES):
            chunks, size = chunks + 1, size + len(data)
            yield chunk_event(elapsed(), data)
    except (OSError, http.client.HTTPException) as error:
        reason = "disconnect"
        yield Event(elapsed(), ERROR, {"type": type(error).__name__, "message": f"the body was cut off: {error}"})
    yield Event(elapsed(), END, {"reason": reason, "bytes": size, "chunks": chunks})
