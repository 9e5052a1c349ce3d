"""The servers that people run ASGI and WSGI apps under, each with an app of tests/data/servers."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trustme

from curl_client import HTTP_1_1, HTTP_2
from processes import ROOT, clean_environment
from server_process import free_port, listening

APPS = ROOT / "tests" / "data" / "servers"
HTTP_2_CLEARTEXT = "http2-prior-knowledge"  # what curl calls it
LOCALHOST = "localhost"


class Site(NamedTuple):
    """An app that is served: its URL, the version of HTTP that it is asked in, and the file of its authority."""

    url: str
    version: str
    ca_file: Path


class Listening(NamedTuple):
    """Where a server is to listen: its port, and a file with a certificate and one with its key."""

    port: int
    certificate: Path
    key: Path


def uvicorn(app: str, at: Listening) -> list[str]:
    """Run an ASGI app under uvicorn."""
    return ["uvicorn", f"{app}:app", "--port", f"{at.port}", "--timeout-graceful-shutdown", "1"]


def hypercorn(app: str, at: Listening) -> list[str]:
    """Run an ASGI app under hypercorn, which also speaks HTTP/2 without TLS."""
    return ["hypercorn", f"{app}:app", "--bind", f"127.0.0.1:{at.port}", "--graceful-timeout", "1"]


def hypercorn_tls(app: str, at: Listening) -> list[str]:
    """Run it with TLS, where clients choose HTTP/2."""
    return [*hypercorn(app, at), "--certfile", f"{at.certificate}", "--keyfile", f"{at.key}"]


def gunicorn(app: str, at: Listening) -> list[str]:
    """Run a WSGI app under gunicorn. A worker that waits at a gate may be silent for longer than its usual timeout."""
    options = ("--timeout", "0", "--graceful-timeout", "1", "--no-control-socket")
    return ["gunicorn", f"{app}:app", "--bind", f"127.0.0.1:{at.port}", *options]


def gunicorn_threads(app: str, at: Listening) -> list[str]:
    """Run it in threads."""
    return [*gunicorn(app, at), "--worker-class", "gthread", "--threads", "2"]


def gunicorn_asgi(app: str, at: Listening) -> list[str]:
    """Run an ASGI app under gunicorn's own worker for them."""
    return [*gunicorn(app, at), "--worker-class", "asgi"]


class Server(NamedTuple):
    """How to run a server, and the version of HTTP that its clients speak."""

    command: Callable[[str, Listening], list[str]]
    version: str


# By their names in the tables of docs/guides/frameworks/servers.md.
ASGI_SERVERS = {
    "uvicorn": Server(uvicorn, HTTP_1_1),
    "hypercorn, HTTP/1.1": Server(hypercorn, HTTP_1_1),
    "hypercorn, HTTP/2": Server(hypercorn_tls, HTTP_2),
    "hypercorn, HTTP/2 without TLS": Server(hypercorn, HTTP_2_CLEARTEXT),
    "gunicorn, `asgi` worker": Server(gunicorn_asgi, HTTP_1_1),
}
WSGI_SERVERS = {
    "gunicorn, `sync` worker": Server(gunicorn, HTTP_1_1),
    "gunicorn, `gthread` worker": Server(gunicorn_threads, HTTP_1_1),
    "hypercorn, HTTP/1.1": Server(hypercorn, HTTP_1_1),
    "hypercorn, HTTP/2": Server(hypercorn_tls, HTTP_2),
    "hypercorn, HTTP/2 without TLS": Server(hypercorn, HTTP_2_CLEARTEXT),
}


@contextmanager
def serving(server: Server, app: str) -> Iterator[Site]:
    """Serve the app of this module for the length of the block."""
    with TemporaryDirectory(prefix="streamify-server-") as name:
        folder = Path(name)
        at = Listening(free_port(), folder / "certificate.pem", folder / "key.pem")
        authority = trustme.CA()
        issued = authority.issue_cert(LOCALHOST)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.cert_chain_pems[0].write_to_path(at.certificate)
        issued.private_key_pem.write_to_path(at.key)
        scheme = "https" if server.version == HTTP_2 else "http"
        program, *arguments = server.command(app, at)
        command = [sys.executable, "-m", program, *arguments]
        environment = clean_environment(PYTHONDONTWRITEBYTECODE="1")
        with listening(command, at.port, APPS, environment, folder / "log"):
            yield Site(f"{scheme}://{LOCALHOST}:{at.port}", server.version, folder / "ca.pem")
