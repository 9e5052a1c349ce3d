"""Asks AWS, or the emulator, what nobody has written down, and prints the answers: docs/guides/aws-smoke-test.md.

Run it with the names and addresses that the stack's output `Command` gives. It needs the standard library only.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S = 40  # seconds for one answer
PRELUDE = "application/vnd.awslambda.http-integration-response"
# What a function may want to say that a service in front of it may want to say itself.
HEADERS = (
    "connection",
    "content-length",
    "date",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
)


@dataclass
class Answer:
    """One response as it came over the socket."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    reads: list[float]  # seconds since the request, of each piece of the body
    end: str  # "whole", "cut off" or "left open"
    seconds: float

    def header(self, name: str) -> str | None:
        """A header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def short(self) -> str:
        """Status, type, body and end in a line."""
        text = self.body[:120].decode("latin-1").replace("\0", "\\0").replace("\n", " ")
        return f"{self.status}, {self.header('content-type')}, {text!r}, {self.end}"


def ask(url: str, query: str = "", body: bytes | None = None, **headers: str) -> Answer:
    """Send one request and read all of its response, whatever becomes of it."""
    parts = urlsplit(url)
    started = time.monotonic()
    connection: socket.socket = socket.create_connection(
        (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), timeout=TIMEOUT_S
    )
    if parts.scheme == "https":
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=parts.hostname)
    with connection:
        lines = [f"{'GET' if body is None else 'POST'} /?{query} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [] if body is None else [f"Content-Length: {len(body)}"]
        with suppress(OSError):  # what is too large may be refused before all of it is there
            connection.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode() + (body or b""))
        data = b""
        while b"\r\n\r\n" not in data:
            data += (piece := connection.recv(65536))
            if not piece:
                raise ConnectionError(f"{url} answered {data!r} and hung up")
        return read(connection, data, started)


def read(connection: socket.socket, data: bytes, started: float) -> Answer:
    """The rest of a response of which `data` holds the head."""
    head, _, rest = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
    chunked = any(name.lower() == "transfer-encoding" for name, _ in headers)
    end, reads, body = "whole", [time.monotonic() - started] if rest else [], rest
    while not (body.endswith(b"0\r\n\r\n") if chunked else len(body) >= (length or 0)):
        try:
            piece = connection.recv(65536)
        except OSError as error:
            end = "left open" if isinstance(error, TimeoutError) else "cut off"
            break
        if not piece:
            end = "cut off"
            break
        reads.append(time.monotonic() - started)
        body += piece
    status = int(status_line.split()[1])
    return Answer(status, headers, unchunked(body) if chunked else body, reads, end, time.monotonic() - started)


def unchunked(data: bytes) -> bytes:
    """A body without HTTP's chunked coding; what is cut off counts as far as it goes."""
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size or b"0", 16)
        body, data = body + data[:count], data[count + 2 :]
    return body


def raw(url: str, *parts: bytes, content_type: str = PRELUDE, cut: bool = False) -> Answer:
    """What becomes of a response of these chunks."""
    asked = {"type": content_type, "parts": [base64.b64encode(part).decode() for part in parts], "cut": cut}
    return ask(url, body=json.dumps(asked).encode(), content_type="application/json")


def prelude(**fields: Any) -> bytes:
    """A prelude as the Runtime API takes it."""
    return json.dumps(fields).encode() + bytes(8)


# --- the questions ---------------------------------------------------------------------------------------------------

QUESTIONS: dict[str, tuple[str, Callable[[Mapping[str, str]], str]]] = {}


def question(name: str, text: str) -> Callable[[Callable[[Mapping[str, str]], str]], None]:
    """Keep a function that answers a question."""

    def keep(answer: Callable[[Mapping[str, str]], str]) -> None:
        QUESTIONS[name] = (text, answer)

    return keep


@question(
    "streams", "Does a runtime loop of its own stream from a managed Python runtime? Five chunks, half a second apart."
)
def _(urls: Mapping[str, str]) -> str:
    answer = ask(urls["layer"], "case=seconds")
    spread = answer.reads[-1] - answer.reads[0]
    return f"{'yes' if answer.status == 200 and spread > 1 else 'NO'}: {answer.short()}"


@question("small-events", "Are events of 50 bytes, one each 20 ms, held back? How many of 50 come alone?")
def _(urls: Mapping[str, str]) -> str:
    answer = ask(urls["layer"], "case=events")
    gaps = [after - before for before, after in pairwise(answer.reads)]
    return f"{len(answer.reads)} reads, the largest gap is {max(gaps, default=0):.2f} s"


@question("empty", "Does a response of a prelude and no body end at once?")
def _(urls: Mapping[str, str]) -> str:
    answer = ask(urls["layer"], "case=empty")
    return f"{'at once' if answer.seconds < 15 else 'NO'}: {answer.short()}"


@question("fails", "What does the client see of an error before the first byte?")
def _(urls: Mapping[str, str]) -> str:
    return ask(urls["layer"], "case=fails").short()


@question("breaks", "How does the body end after an error in the stream?")
def _(urls: Mapping[str, str]) -> str:
    return ask(urls["layer"], "case=breaks").short()


@question("hangs", "What does the client see of a timeout before the first byte?")
def _(urls: Mapping[str, str]) -> str:
    return ask(urls["short"], "case=hangs").short()


@question("late", "How does the body end after a timeout in the stream?")
def _(urls: Mapping[str, str]) -> str:
    return ask(urls["short"], "case=late").short()


@question("cut", "How does the body end if the runtime hangs up within it?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw"], prelude(statusCode=200), b"begun\n", cut=True).short()


@question("no-status", "What is the status of a prelude that names none?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw"], prelude(headers={"content-type": "text/plain"}), b"body").short()


@question("no-prelude", "What becomes of a body without a prelude?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw"], b"body", content_type="text/plain").short()


@question("broken-prelude", "What becomes of a prelude that is no JSON?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw"], b"{" + bytes(8), b"body").short()


@question("multi-value", "Are multiValueHeaders known to a function URL?")
def _(urls: Mapping[str, str]) -> str:
    answer = raw(urls["raw"], prelude(statusCode=200, multiValueHeaders={"x-many": ["1", "2"]}), b"body")
    return f"{answer.status}, x-many: {answer.header('x-many')}"


@question("headers", "Which headers of a function are renamed or dropped?")
def _(urls: Mapping[str, str]) -> str:
    found = []
    for name in HEADERS:
        value = "4" if name == "content-length" else "smoke"
        answer = raw(urls["raw"], prelude(statusCode=200, headers={name: value}), b"body")
        names = [key.lower() for key, text in answer.headers if text == value]
        found.append(f"{name}: {answer.status} {' and '.join(names) or 'dropped'}")
    return "; ".join(found)


@question("remapped", "What becomes of a header that is named x-amzn-remapped-...?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw"], prelude(statusCode=200, headers={"x-amzn-remapped-date": "smoke"}), b"body").short()


@question("gzip", "Is a body that the function has compressed passed on as it is?")
def _(urls: Mapping[str, str]) -> str:
    headers = {"content-encoding": "gzip", "content-type": "text/plain"}
    answer = raw(urls["raw"], prelude(statusCode=200, headers=headers), gzip.compress(b"body"))
    plain = "unpacked" if answer.body == b"body" else "as it is" if answer.body[:2] == b"\x1f\x8b" else answer.short()
    return f"{answer.status}, content-encoding: {answer.header('content-encoding')}, {plain}"


@question("buffered-prelude", "What does a BUFFERED URL do with a prelude?")
def _(urls: Mapping[str, str]) -> str:
    return raw(urls["raw-buffered"], prelude(statusCode=201, headers={"x-smoke": "1"}), b"body").short()


@question("too-large", "What is the answer to a request over 6 MB?")
def _(urls: Mapping[str, str]) -> str:
    return ask(urls["layer"], "case=echo", body=bytes(7_000_000), content_type="text/plain").short()


@question("throttled", "What is the answer to one request too many?")
def _(urls: Mapping[str, str]) -> str:
    answer = ask(urls["throttled"], "case=echo")
    return f"{answer.short()}, x-amzn-errortype: {answer.header('x-amzn-errortype')}"


@question("base64", "Which bodies reach the function in base64?")
def _(urls: Mapping[str, str]) -> str:
    found = []
    for kind in (
        "",
        "application/json",
        "application/xml",
        "image/svg+xml",
        "text/plain",
        "application/x-www-form-urlencoded",
    ):
        headers = {"content_type": kind} if kind else {}
        answer = ask(urls["layer"], "case=echo", body=b"{}", **headers)
        found.append(f"{kind or 'no type'}: {json.loads(answer.body)['isBase64Encoded']}")
    return "; ".join(found)


@question("cookies", "Do cookies stand in the event's headers as well?")
def _(urls: Mapping[str, str]) -> str:
    seen = json.loads(ask(urls["layer"], "case=echo", cookie="a=1; b=2").body)
    return f"cookies: {seen['cookies']}, headers.cookie: {seen['headers'].get('cookie')!r}"


# ---------------------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """Ask everything at once, and print one line a question, or JSON after `--json`."""
    urls = dict(argument.split("=", 1) for argument in arguments if argument != "--json")
    wanted = {"layer", "short", "raw", "raw-buffered", "throttled"}
    if set(urls) != wanted:
        print(f"give an address for each of {', '.join(sorted(wanted))}, as layer=https://...", file=sys.stderr)
        return 2

    def answered(name: str) -> str:
        try:
            return QUESTIONS[name][1](urls)
        except Exception as error:  # noqa: BLE001 - an answer too, and the others are to be asked as well
            return f"no answer: {type(error).__name__}: {error}"

    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(QUESTIONS, pool.map(answered, QUESTIONS), strict=True))
    if "--json" in arguments:
        print(json.dumps(answers, indent=2))
    else:
        for name, answer in answers.items():
            print(f"{name}: {QUESTIONS[name][0]}\n    {answer}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
