"""Each proxy of deploy/ as its file configures it, between a function URL and clients of HTTP/1.1 and HTTP/2."""

import json
from collections.abc import Iterator

import pytest

from curl_client import CUT, HTTP_1_1, HTTP_2, WHOLE, curl
from proxied_url import LARGE_BYTES, MOST_AHEAD_BYTES, FunctionUrl, read_until_reached, streaming
from proxy_programs import version
from web_proxies import FUNCTION_URL, KINDS, PUBLIC_NAME, Proxy, proxying

KEEP_ALIVE = ": keep-alive\n\n"
# Versions that end a response which was cut as if it were whole: docs/guides/proxies.md names them.
ENDS_CUT_AS_WHOLE = {("caddy", "2.6", HTTP_1_1), ("caddy", "2.6", HTTP_2), ("haproxy", "2.6", HTTP_2)}
# Apache httpd sees that its client has left when it next writes to it; the others see it at once.
SEES_CLIENTS_LEAVE_AT_NEXT_CHUNK = {"apache"}
# What the logs say about a response that was cut behind the proxy, and about one whose client has left. Caddy 2.6 calls
# the latter incomplete too; 2.11 says nothing.
LOGGED = {
    "nginx": ("upstream prematurely closed connection while reading upstream", "200 completion= "),
    "apache": ("AH01110: error reading response", "200 connection=X "),
    "caddy": ("aborting with incomplete response", ""),
    "haproxy": (" - - SD-- ", " - - CD-- "),
    "envoy": ('" 200 UPE ', '" 200 DC '),
}


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, function_url: FunctionUrl) -> Iterator[Proxy]:
    with proxying(request.param, function_url.upstream) as proxy:
        yield proxy


@pytest.fixture(params=[HTTP_1_1, HTTP_2])
def http(request: pytest.FixtureRequest) -> str:
    version: str = request.param
    return version


def test_each_chunk_is_read_before_the_next_one_exists(proxy: Proxy, http: str) -> None:
    chunks = ["data: one\n\n", KEEP_ALIVE, "data: two\n\n"]

    with streaming(proxy, http, chunks, type="text/event-stream") as stream:
        for chunk in chunks:
            stream.response.read(chunk)
            stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)


def test_the_client_speaks_the_version_that_it_wants(proxy: Proxy, http: str) -> None:
    with curl(proxy.url, "/event", http, proxy.ca_file, "--include") as response:
        answer, status = response.read_to_end()

    assert status == WHOLE
    assert answer.startswith({HTTP_1_1: "HTTP/1.1 200", HTTP_2: "HTTP/2 200"}[http])


def test_the_function_url_is_asked_by_its_own_name(proxy: Proxy) -> None:
    with curl(proxy.url, "/event", HTTP_1_1, proxy.ca_file) as response:
        event = json.loads(response.read_to_end()[0])

    assert PUBLIC_NAME in proxy.url
    assert event["headers"]["host"] == FUNCTION_URL


def test_a_cut_response_is_cut_for_the_client_too(proxy: Proxy, http: str) -> None:
    ends_as_whole = (proxy.kind, version(proxy.kind), http) in ENDS_CUT_AS_WHOLE

    with streaming(proxy, http, ["so far\n"], case="cut") as stream:
        stream.response.read("so far\n")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE if ends_as_whole else CUT[http])
    proxy.wait_for_log(LOGGED[proxy.kind][0])


def test_the_connection_to_the_function_url_ends_when_the_client_leaves(
    proxy: Proxy, http: str, function_url: FunctionUrl
) -> None:
    with streaming(proxy, http, [KEEP_ALIVE] * 100) as stream:
        stream.response.read(KEEP_ALIVE)
        stream.response.leave()
        if proxy.kind in SEES_CLIENTS_LEAVE_AT_NEXT_CHUNK:
            while not function_url.endings(stream.path):
                stream.gate.open()
        function_url.wait_for_ending(stream.path, "client left")
        proxy.wait_for_log(LOGGED[proxy.kind][1])


def test_a_reader_that_pauses_makes_the_function_wait(proxy: Proxy) -> None:
    with streaming(proxy, HTTP_1_1, [], case="large", bytes=str(LARGE_BYTES)) as stream:
        assert read_until_reached(stream, LARGE_BYTES) < MOST_AHEAD_BYTES
