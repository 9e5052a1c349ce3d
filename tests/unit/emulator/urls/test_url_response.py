import asyncio
import gzip
import json
import zlib

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.urls.response import UrlResponse, own_headers
from lambda_streamify_emulator.web.asgi import Receive, Scope, Send
from scripted_pool import responding


class Answered:
    """The response that a client gets for these headers and pieces, and the warnings."""

    def __init__(self, headers: dict[str, str], *pieces: bytes, mode: str = "RESPONSE_STREAM") -> None:
        self.warnings: list[str] = []
        self._invocation = Invocation(b"{}")
        if mode == "RESPONSE_STREAM":
            script = responding(CONTENT_TYPE, json.dumps({"headers": headers}).encode() + bytes(8), *pieces)
        else:
            value = {"statusCode": 200, "headers": headers, "body": b"".join(pieces).decode()}
            script = responding("application/json", json.dumps(value).encode())

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await script(self._invocation.channel)
            response = UrlResponse(self._invocation, send, self.warnings.append, [])
            await (response.stream() if mode == "RESPONSE_STREAM" else response.send_whole())

        self.exchange = run(Exchange().run(app))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The headers, without those of every response."""
        own = own_headers(self._invocation)
        assert self.exchange.fields[:2] == own
        return self.exchange.fields[2:]


def test_each_answer_names_the_request_and_its_trace() -> None:
    invocation = Invocation(b"{}", "Root=1-5f84c7a1-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0")

    assert own_headers(invocation) == [
        ("x-amzn-requestid", invocation.request_id),
        ("x-amzn-trace-id", "root=1-5f84c7a1-0123456789abcdef01234567;parent=0123456789abcdef;sampled=0"),
    ]


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_renaming_a_header_that_clients_need_is_reported(mode: str) -> None:
    answered = Answered({"WWW-Authenticate": "Bearer", "content-type": "text/plain"}, b"no", mode=mode)

    assert ("x-amzn-remapped-www-authenticate", "Bearer") in answered.fields
    assert "www-authenticate" not in dict(answered.fields)
    assert answered.warnings == ["function URLs rename the header WWW-Authenticate to x-amzn-remapped-www-authenticate"]


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_a_date_header_of_the_function_is_renamed(mode: str) -> None:
    answered = Answered({"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "content-type": "text/plain"}, b"text", mode=mode)

    assert answered.fields[:2] == [
        ("x-amzn-remapped-date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("content-type", "text/plain"),
    ]
    assert answered.warnings == []


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_a_renamed_header_of_another_url_makes_the_answer_a_500(mode: str) -> None:
    answered = Answered({"X-Amzn-Remapped-Connection": "close"}, b"text", mode=mode)

    assert (answered.exchange.status, answered.exchange.pieces) == (500, [b"Internal Server Error"])
    assert answered.fields == [("content-type", "text/plain"), ("content-length", "21")]
    (warning,) = answered.warnings
    assert warning.startswith("the response has the header X-Amzn-Remapped-Connection, a name that function URLs ")
    assert warning.endswith("; the client gets 500")


# --- compressed bodies -----------------------------------------------------------------------------------------------


def test_a_compressed_stream_is_decompressed_and_no_longer_called_compressed() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")

    answered = Answered({"Content-Encoding": "GZIP", "content-type": "text/plain"}, body[:11], body[11:])

    assert answered.fields == [("content-type", "text/plain")]
    assert answered.exchange.pieces == [b"", b"one ", b"two", b""]
    assert answered.exchange.complete
    assert answered.warnings == ["content-encoding gzip: a streaming function URL decompresses the body"]


def test_what_a_compressor_has_flushed_arrives_before_the_next_piece_exists() -> None:
    async def main() -> None:
        invocation, exchange = Invocation(b"{}"), Exchange()
        gate = asyncio.Event()
        compressor = zlib.compressobj(wbits=31)

        async def function() -> None:
            invocation.channel.start(CONTENT_TYPE)
            invocation.channel.write(b'{"headers": {"content-encoding": "gzip"}}' + bytes(8))
            for text in (b"one", b"two"):
                invocation.channel.write(compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))
                await gate.wait()
                gate.clear()
            invocation.channel.write(compressor.flush())
            invocation.channel.end()

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await UrlResponse(invocation, send, lambda _: None, []).stream()

        tasks = [asyncio.ensure_future(function()), asyncio.ensure_future(exchange.run(app))]
        for number, pieces in enumerate([[b"", b"one"], [b"", b"one", b"two"]]):
            await exchange.until(messages=3 + number)  # the head, an empty body, and the pieces
            assert exchange.pieces == pieces
            gate.set()
        await asyncio.gather(*tasks)
        assert exchange.complete

    run(main())


def test_a_compressed_stream_whose_beginning_came_with_the_head_is_decompressed_too() -> None:
    head = json.dumps({"headers": {"content-encoding": "gzip"}}).encode() + bytes(8)

    async def app(_: Scope, __: Receive, send: Send) -> None:
        invocation = Invocation(b"{}")
        await responding(CONTENT_TYPE, head + gzip.compress(b"text"))(invocation.channel)
        await UrlResponse(invocation, send, lambda _: None, []).stream()

    assert run(Exchange().run(app)).pieces == [b"", b"text", b""]


def test_an_unsupported_content_encoding_passes_unchanged_and_is_reported() -> None:
    answered = Answered({"content-encoding": "br", "content-type": "text/plain"}, b"compressed")

    assert answered.fields == [("content-encoding", "br"), ("content-type", "text/plain")]
    assert answered.exchange.pieces == [b"", b"compressed", b""]
    assert answered.warnings == [
        "content-encoding br: a streaming function URL decompresses the body; the emulator does not"
    ]


@pytest.mark.parametrize("coding", ["identity", ""])
def test_a_body_that_is_called_uncompressed_is_left_alone(coding: str) -> None:
    answered = Answered({"content-encoding": coding}, b"text")

    assert answered.exchange.pieces == [b"", b"text", b""]
    assert answered.warnings == []


def test_a_body_with_a_wrong_content_encoding_ends_early_and_is_reported() -> None:
    answered = Answered({"content-encoding": "gzip"}, gzip.compress(b"text")[:-8], b"no end")

    assert answered.exchange.pieces[:2] == [b"", b"text"]
    assert answered.exchange.complete
    (warning,) = answered.warnings[1:]
    assert warning.startswith("the body is not gzip as its content-encoding says: Error -3 while decompressing data")
    assert warning.endswith("; the client sees it end early")


def test_a_whole_response_keeps_its_compression() -> None:
    answered = Answered({"content-encoding": "gzip"}, b"any text", mode="BUFFERED")

    assert ("content-encoding", "gzip") in answered.fields
    assert answered.exchange.pieces == [b"any text"]
    assert answered.warnings == []
