"""Requests taken apart by llhttp, a parser that this project has not written."""

import json
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import httptools

DELIMITER = bytes(8)


@dataclass
class Sent:
    """One request; header and trailer names in lower case."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def prelude(self) -> Any:
        """The prelude's JSON object."""
        fields, delimiter, _ = self.body.partition(DELIMITER)
        assert delimiter
        return json.loads(fields)

    @property
    def content(self) -> bytes:
        """What follows the prelude."""
        assert DELIMITER in self.body
        return self.body.partition(DELIMITER)[2]

    @property
    def trailed_error(self) -> Any:
        """The error report in the trailers."""
        return json.loads(b64decode(self.trailers["lambda-runtime-function-error-body"], validate=True))


class _Recorder:
    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._fields = sent.headers

    def on_url(self, url: bytes) -> None:
        self._sent.path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._fields = self._sent.trailers

    def on_chunk_header(self) -> None:
        self._sent.chunks.append(b"")

    def on_body(self, data: bytes) -> None:
        if not self._sent.chunks:
            self._sent.chunks.append(b"")
        self._sent.chunks[-1] += data

    def on_message_complete(self) -> None:
        self._sent.complete = True
        if "transfer-encoding" in self._sent.headers:
            assert self._sent.chunks.pop() == b""


def parse(raw: bytes) -> Sent:
    """Return the request, which must be whole; `chunks` is without the empty one that ends a chunked body."""
    sent = Sent()
    parser = httptools.HttpRequestParser(_Recorder(sent))
    parser.feed_data(raw)
    assert sent.complete, f"unfinished: {raw[-200:]!r}"
    sent.method = parser.get_method().decode()
    return sent
