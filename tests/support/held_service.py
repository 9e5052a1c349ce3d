"""A service behind a door: each request to it waits until the test lets it through."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from gated_service import GatedService, QuietHandler, running
from waiting import TIMEOUT_S


class HeldService(GatedService):
    """Passes requests on to `service`, a URL without a path, one for each `release`."""

    def __init__(self, service: str) -> None:
        wait = self.wait

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                body = self.rfile.read(int(self.headers["content-length"]))
                wait(f"nobody has let {self.path} through")
                with closing(HTTPConnection(urlsplit(service).netloc, timeout=TIMEOUT_S)) as connection:
                    connection.request("POST", self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        super().__init__(Handler)


@contextmanager
def holding(service: str) -> Iterator[HeldService]:
    """Hold requests to the service for the length of the block."""
    with running(HeldService(service)) as held:
        yield held
