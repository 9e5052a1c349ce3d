"""A stream behind nginx when a line of deploy/nginx/streaming.conf is missing, and what nginx's log says."""

import json
import re
import ssl
from collections.abc import Iterator
from socket import create_connection
from urllib.parse import urlencode, urlsplit

import pytest

from curl_client import CUT, HTTP_1_1, HTTP_2, WHOLE, curl
from gate import Gate
from name_server import name_server
from proxied_url import LARGE_BYTES, MOST_AHEAD_BYTES, FunctionUrl, read_until_reached, streaming
from waiting import TIMEOUT_S, wait_until
from web_proxies import Proxy, proxying

BUFFERED = {"proxy_buffering off;": ""}  # what nginx does by default, as the next one
HTTP_1_0 = {"proxy_http_version 1.1;": ""}
COMPRESSED = {"gzip off;": "gzip on; gzip_types text/plain text/event-stream; gzip_proxied any; gzip_min_length 0;"}
HALTING = {
    "the defaults": {**BUFFERED, **HTTP_1_0},
    "buffered": BUFFERED,
    "buffered and compressed": {**BUFFERED, **COMPRESSED},
}
CHUNKS = [f"data: {number}\n\n" for number in range(5)]


@pytest.fixture(scope="module", params=HALTING)
def halting(request: pytest.FixtureRequest, function_url: FunctionUrl) -> Iterator[Proxy]:
    with proxying("nginx", function_url.upstream, HALTING[request.param]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def nginx(function_url: FunctionUrl) -> Iterator[Proxy]:
    with proxying("nginx", function_url.upstream) as proxy:
        yield proxy


def pieces(proxy: Proxy, gate: Gate) -> list[bytes]:
    """Return the body as a client of HTTP/1.1 gets it that opens all gates: a piece is what is in one record of TLS."""
    context, address = ssl.create_default_context(cafile=proxy.ca_file), urlsplit(proxy.url)
    query = urlencode({"gate": gate.address, "chunks": json.dumps(CHUNKS), "type": "text/event-stream"})
    lines = [f"GET /lockstep?{query} HTTP/1.1", f"Host: {address.netloc}", "Accept-Encoding: gzip", "Connection: close"]
    with (
        create_connection(("127.0.0.1", address.port or 0), TIMEOUT_S) as connection,
        context.wrap_socket(connection, server_hostname=address.hostname) as secured,
    ):
        secured.sendall("\r\n".join([*lines, "", ""]).encode())
        for _ in CHUNKS:
            gate.open()
        records = list(iter(lambda: secured.recv(65536), b""))  # OpenSSL returns no more than one record at a time
    head_length = b"".join(records).index(b"\r\n\r\n") + 4
    body = []
    for record in records:
        body.append(record[head_length:])
        head_length = max(0, head_length - len(record))
    return [piece for piece in body if piece]


def access_line(proxy: Proxy, path: str) -> str:
    """Return nginx's line about the only request of this path, from the status on."""
    lines: list[str] = []

    def found() -> bool:
        log = (proxy.folder / "stream.log").read_text()
        lines[:] = [line for line in log.splitlines() if f"GET {path}?" in line]
        return bool(lines)

    wait_until(found, f"a line about {path}")
    (line,) = lines
    return line.partition(" HTTP/")[2].partition('" ')[2]


# --- all at once -----------------------------------------------------------------------------------------------------


def test_without_its_line_a_stream_comes_in_one_piece(halting: Proxy, gate: Gate) -> None:
    assert len(pieces(halting, gate)) == 1


@pytest.mark.parametrize("version", [HTTP_1_1, HTTP_2])
def test_a_header_of_the_function_s_cures_it(halting: Proxy, version: str) -> None:
    headers = json.dumps({"X-Accel-Buffering": "no"})

    with streaming(halting, version, CHUNKS, "--compressed", type="text/event-stream", headers=headers) as stream:
        for chunk in CHUNKS:
            stream.response.read(chunk)
            stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)


@pytest.mark.parametrize("options", [(), ("--compressed",)])
def test_without_buffering_compression_passes_each_chunk(function_url: FunctionUrl, options: tuple[str, ...]) -> None:
    with (
        proxying("nginx", function_url.upstream, COMPRESSED) as proxy,
        streaming(proxy, HTTP_1_1, CHUNKS, *options, type="text/event-stream") as stream,
    ):
        for chunk in CHUNKS:
            stream.response.read(chunk)
            stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)


def test_with_buffering_in_http_1_1_a_client_of_http_2_gets_each_chunk(function_url: FunctionUrl) -> None:
    with (
        proxying("nginx", function_url.upstream, BUFFERED) as proxy,
        streaming(proxy, HTTP_2, CHUNKS, type="text/event-stream") as stream,
    ):
        for chunk in CHUNKS:
            stream.response.read(chunk)
            stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)


# --- a reader that pauses --------------------------------------------------------------------------------------------


def test_with_buffering_the_function_runs_to_its_end_though_its_reader_has_stopped(halting: Proxy) -> None:
    with streaming(halting, HTTP_1_1, [], case="large", bytes=str(LARGE_BYTES)) as stream:
        stream.gate.wait_for_function()  # it has sent everything, and nobody has read


def test_without_buffering_the_function_waits_for_its_reader_in_http_1_0_too(function_url: FunctionUrl) -> None:
    with (
        proxying("nginx", function_url.upstream, HTTP_1_0) as proxy,
        streaming(proxy, HTTP_1_1, [], case="large", bytes=str(LARGE_BYTES)) as stream,
    ):
        assert read_until_reached(stream, LARGE_BYTES) < MOST_AHEAD_BYTES


# --- cut -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [HTTP_1_1, HTTP_2])
def test_in_http_1_0_a_cut_response_looks_whole(function_url: FunctionUrl, version: str) -> None:
    with (
        proxying("nginx", function_url.upstream, HTTP_1_0) as proxy,
        streaming(proxy, version, ["so far\n"], case="cut") as stream,
    ):
        stream.response.read("so far\n")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)


def test_a_host_that_is_not_the_function_url_s_is_refused(function_url: FunctionUrl) -> None:
    with (
        proxying("nginx", function_url.upstream, {"Host $function_url;": "Host $host;"}) as proxy,
        curl(proxy.url, "/event", HTTP_1_1, proxy.ca_file, "--include") as response,
    ):
        answer, _ = response.read_to_end()

    assert answer.startswith("HTTP/1.1 403")  # of the emulator; AWS's answer has not been seen


def test_an_address_that_has_changed_is_found_without_a_restart(function_url: FunctionUrl) -> None:
    with name_server("127.0.0.2") as names:  # nothing listens there
        changes = {
            "resolver 169.254.169.253": f"resolver 127.0.0.1:{names.port}",
            "https://$function_url;": f"https://$function_url:{function_url.upstream.port};",
        }
        with proxying("nginx", function_url.upstream, changes) as proxy:

            def answer() -> str:
                with curl(proxy.url, "/event", HTTP_1_1, proxy.ca_file, "--include") as response:
                    return response.read_to_end()[0]

            assert answer().startswith("HTTP/1.1 502")
            assert f"upstream=127.0.0.2:{function_url.upstream.port} " in proxy.log()
            names.address = "127.0.0.1"
            wait_until(lambda: answer().startswith("HTTP/1.1 200"), "nginx to ask again")


# --- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_has_the_times_and_sizes_of_a_whole_response(nginx: Proxy) -> None:
    with streaming(nginx, HTTP_1_1, ["one\n"]) as stream:
        stream.response.read("one\n")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)

    assert re.fullmatch(
        r"200 completion=OK sent=\d+ total=[\d.]+ upstream=127\.0\.0\.1:\d+ upstream_status=200 upstream_received=\d+ "
        r"connect=[\d.]+ header=[\d.]+ response=[\d.]+",
        access_line(nginx, stream.path),
    )


@pytest.mark.parametrize("version", [HTTP_1_1, HTTP_2])
def test_the_log_calls_a_cut_response_complete_and_only_the_error_log_does_not(nginx: Proxy, version: str) -> None:
    with streaming(nginx, version, ["so far\n"], case="cut") as stream:
        stream.response.read("so far\n")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", CUT[version])

    assert access_line(nginx, stream.path).startswith("200 completion=OK ")
    (error,) = [line for line in nginx.log().splitlines() if "[error]" in line and stream.path in line]
    assert "upstream prematurely closed connection while reading upstream" in error


@pytest.mark.parametrize("version", [HTTP_1_1, HTTP_2])
def test_the_log_shows_a_client_that_left(nginx: Proxy, version: str) -> None:
    with streaming(nginx, version, CHUNKS) as stream:
        stream.response.read(CHUNKS[0])
        stream.response.leave()
        assert access_line(nginx, stream.path).startswith("200 completion= ")
