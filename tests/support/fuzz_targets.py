"""What is fuzzed: one function a parser, which takes any bytes and fails if a property of the parser does not hold.

The properties: what comes byte by byte means the same as what comes whole; what is wrong raises the documented type and
nothing else; what another parser of the same format reads too, both read alike.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import botocore.auth
import botocore.credentials
import h11
import yaml
from botocore.awsrequest import AWSRequest

from lambda_streamify._wire.framing import ResponseParser
from lambda_streamify.client import _http1 as http1
from lambda_streamify.client._sse import EventParser
from lambda_streamify.errors import ConnectionLost, NoResponse, StreamCut
from lambda_streamify_emulator.errors import PreludeError, TemplateError
from lambda_streamify_emulator.invocations.prelude import DELIMITER, PreludeParser
from lambda_streamify_emulator.recordings.recording import RecordingError, RecordingReader, RecordingWriter
from lambda_streamify_emulator.runtime_api.wire import CHUNK_END, End, Fault, Head, RequestReader
from lambda_streamify_emulator.template.cors import Cors, read_cors
from lambda_streamify_emulator.template.document import read_document
from lambda_streamify_emulator.template.reader import load_template
from lambda_streamify_emulator.web.content_encoding import decompress
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.sigv4 import Credentials, Scope, is_signed, refusal

# --- the client's side of the Runtime API ----------------------------------------------------------------------------


def runtime_answer(data: bytes) -> None:
    """An answer of the Runtime API, as the layer reads it."""
    whole = _answer([data])
    assert _answer(_single(data)) == whole
    theirs = _read_by_h11(h11.Connection(h11.CLIENT), data)
    if theirs is not None and isinstance(whole, tuple):
        assert (whole[0], whole[2]) == (theirs[0].status_code, theirs[1])


def _answer(pieces: Iterable[bytes]) -> tuple[int, dict[str, str], bytes] | str:
    """Return the answer, or what is wrong with it; text as well if it has no end."""
    parser, complete = ResponseParser(), False
    try:
        for piece in pieces:
            if complete:
                return "more than one answer"
            complete = parser.feed(piece)
    except ConnectionLost as error:
        return "more than one answer" if "follow the end" in str(error) else "none"
    return (parser.status, parser.headers, bytes(parser.body)) if complete else "not complete"


# --- the server's side of the Runtime API ----------------------------------------------------------------------------


def wire(data: bytes) -> None:
    """Requests to the Runtime API, as the emulator reads them."""
    whole = _requests([data])
    assert _requests(_single(data)) == whole
    theirs = _read_by_h11(h11.Connection(h11.SERVER), data)
    if theirs is not None and len(whole) == 3 and isinstance(whole[0], Head):
        method = theirs[0].method.decode("latin-1")
        assert (whole[0].method, whole[0].target, whole[1]) == (method, theirs[0].target.decode("latin-1"), theirs[1])


def _requests(pieces: Iterable[bytes]) -> list[Any]:
    """Return the events with each body in one piece; of a fault that there is one, since its text may name a place."""
    reader, found = RequestReader(chunk_ends=True), list[Any]()
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, bytes):
                found[-1] += event
            elif isinstance(event, Head):
                found += [event, b""]
            elif isinstance(event, Fault):
                found.append(Fault)
            elif event is not CHUNK_END:
                assert isinstance(event, End)
                found.append(event)
    return found


def _read_by_h11(connection: h11.Connection, data: bytes) -> tuple[Any, bytes] | None:
    """Return the one message that h11 reads in `data`, and its body; None if it is none, or not alone."""
    if connection.our_role is h11.CLIENT:
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
    head, body = None, b""
    connection.receive_data(data)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, (h11.Request, h11.Response)):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return None if head is None or connection.trailing_data[0] else (head, body)
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return None
    except h11.RemoteProtocolError:
        return None


# --- the client ------------------------------------------------------------------------------------------------------


def http_response(data: bytes) -> None:
    """A response over HTTP, as `client.stream` reads it."""
    whole = _http_response([data])
    assert _http_response(_single(data)) == whole
    theirs = _read_by_h11(h11.Connection(h11.CLIENT), data)
    if theirs is not None and isinstance(whole[1], bytes) and whole[2] == "complete":
        assert whole[:2] == (theirs[0].status_code, theirs[1])


def _http_response(pieces: Iterable[bytes]) -> tuple[int, bytes, str]:
    """Return the status, 0 if there is none, the body, and what became of it."""
    parser, body = http1.ResponseParser("GET"), b""
    try:
        for piece in pieces:
            body += b"".join(parser.feed(piece))
        whole = "complete" if parser.is_complete else "ended"
        parser.end()
    except NoResponse:
        return 0, b"", "no response"
    except StreamCut:
        whole = "cut"
    assert parser.head is not None
    return parser.head.status, body, whole


def event_stream(data: bytes) -> None:
    """Server-sent events, as `client.stream` reads them."""
    whole, single = EventParser(), EventParser()
    assert whole.feed(data) == [event for piece in _single(data) for event in single.feed(piece)]
    assert (whole.rest, whole.last_event_id, whole.retry_ms) == (single.rest, single.last_event_id, single.retry_ms)


# --- the prelude -----------------------------------------------------------------------------------------------------


def prelude(data: bytes) -> None:
    """The beginning of a streamed response."""
    whole = _prelude([data])
    assert _prelude(_single(data)) == whole
    if whole is not None:
        (head, body), fields = whole, json.loads(data.partition(DELIMITER)[0])
        assert head.status == fields.get("statusCode", 200)
        assert body == data.partition(DELIMITER)[2]


def _prelude(pieces: Iterable[bytes]) -> tuple[Any, bytes] | None:
    parser, found, body = PreludeParser(), None, b""
    try:
        for piece in pieces:
            if found is not None:
                body += piece
                continue
            parsed = parser.feed(piece)
            if parsed is not None:
                found, body = parsed
    except PreludeError:
        return None
    return None if found is None else (found, body)


# --- recordings ------------------------------------------------------------------------------------------------------


def recording(data: bytes) -> None:
    """A recording: what is read can be written, and read again."""
    try:
        reader = RecordingReader(StringIO(data.decode("utf-8"), newline="\n"))
        events = list(reader)
    except (RecordingError, UnicodeDecodeError):
        return
    for event in events:
        assert event.chunk is None or isinstance(event.chunk, bytes)
    file = StringIO(newline="\n")
    writer = RecordingWriter(file, reader.header, secrets=True)
    for event in events:
        writer.event(event)
    file.seek(0)
    again = RecordingReader(file)
    assert (again.header, list(again)) == (reader.header, events)


# --- signatures ------------------------------------------------------------------------------------------------------

KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SCOPE = Scope("us-east-1")
NOW = datetime(2026, 7, 26, 20, 0, tzinfo=timezone.utc)
HOST = ("host", "127.0.0.1:4001")


def sigv4(data: bytes) -> None:
    """A request: lines of method, path, query, then headers; what follows an empty line is the body."""
    head, _, body = data.partition(b"\n\n")
    method, path, query, *lines = [*head.decode("latin-1").split("\n"), "", "", ""]
    headers = [(name, value) for name, colon, value in (line.partition(":") for line in lines) if colon]
    given = Request(method, path, query, headers, "127.0.0.1", body)
    refused = refusal(given, KEY, SCOPE, NOW.timestamp())
    assert refused is not None, "nobody has signed it"
    assert isinstance(is_signed(given), bool)
    own = Request(method, path, query, [HOST], "127.0.0.1", body)
    with suppress(ValueError, UnicodeError):  # of a URL that botocore does not take
        _check_botocore(own)


def _check_botocore(given: Request) -> None:
    plain = all(" " < character < "\x7f" and character not in '#?"<>\\^`{|}[]' for character in given.path)
    if (
        not plain
        or given.query
        or not (given.method.isascii() and given.method.isalpha())
        or not given.path.startswith("/")
    ):
        return
    request = AWSRequest(given.method, f"http://127.0.0.1:4001{given.path}", data=given.body)
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(KEY.access_key, KEY.secret_key), SCOPE.service, SCOPE.region
    )
    with patch("botocore.auth.get_current_datetime", lambda: NOW):
        signer.add_auth(request)
    signed = [(name, value) for name, value in request.headers.items() if name.lower() != "host"]
    assert refusal(_with(given, signed), KEY, SCOPE, NOW.timestamp()) is None


def _with(given: Request, headers: Sequence[tuple[str, str]]) -> Request:
    return Request(given.method, given.path, given.query, [*given.headers, *headers], given.client, given.body)


# --- templates -------------------------------------------------------------------------------------------------------


def template(data: bytes) -> None:
    """A template: it is read, or refused with a TemplateError; plain YAML means what PyYAML says that it means."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_bytes(data)
        with suppress(TemplateError):
            load_template(path)
        try:
            document = read_document(path)
        except TemplateError:
            document = None
    try:
        plain = yaml.safe_load(data.decode("utf-8"))
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
    if document is not None:
        assert repr(_plain(document)) == repr(_plain(plain))  # by text, for not a number is not itself


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {repr(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


# --- CORS ------------------------------------------------------------------------------------------------------------


def cors(data: bytes) -> None:
    """The property Cors as JSON in the first line, an origin in the second."""
    text, _, origin = data.decode("utf-8", "replace").partition("\n")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    try:
        found = read_cors("template.yaml", value)
    except TemplateError:
        return
    for headers in (found.actual_response(origin), found.preflight(origin)):
        _check_cors(found, origin, headers)


def _check_cors(found: Cors, origin: str, headers: Sequence[tuple[str, str]]) -> None:
    named = dict(headers)
    assert len(named) == len(headers)
    if not headers:
        return
    allowed = named["access-control-allow-origin"]
    assert allowed in ("*", origin)
    assert "*" in found.origins or origin in found.origins
    # Fetch standard, "CORS check": a browser takes no * together with credentials.
    assert not (allowed == "*" and "access-control-allow-credentials" in named)


# --- encodings -------------------------------------------------------------------------------------------------------


def encoding(data: bytes) -> None:
    """A compressed body, as a streaming function URL decompresses it."""
    whole = _decompressed([data])
    assert _decompressed(_single(data)) == whole
    try:
        theirs = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return
    if data.startswith(b"\x1f\x8b") and whole is not None:
        assert whole == theirs


def _decompressed(pieces: Iterable[bytes]) -> bytes | None:
    async def given() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def all_of_it() -> bytes:
        return b"".join([piece async for piece in decompress(given())])

    try:
        return asyncio.run(all_of_it())
    except zlib.error:
        return None


def _single(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        runtime_answer,
        wire,
        http_response,
        event_stream,
        prelude,
        recording,
        sigv4,
        template,
        cors,
        encoding,
    )
}
