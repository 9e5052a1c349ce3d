"""Why deploy/caddy/Caddyfile has no `flush_interval -1`, which people set for streams."""

from curl_client import HTTP_1_1
from proxied_url import FunctionUrl, streaming
from proxy_programs import version
from web_proxies import proxying

CHUNKS = ["data: one\n\n"] * 5
TRANSPORT = "\t\ttransport http {"


def test_in_2_6_a_negative_flush_interval_reads_on_for_a_client_that_has_left(function_url: FunctionUrl) -> None:
    changes = {TRANSPORT: f"\t\tflush_interval -1\n{TRANSPORT}"}

    with proxying("caddy", function_url.upstream, changes) as proxy, streaming(proxy, HTTP_1_1, CHUNKS) as stream:
        stream.response.read(CHUNKS[0])
        stream.response.leave()
        if version("caddy") == "2.6":
            for _ in CHUNKS:
                stream.gate.open()
        function_url.wait_for_ending(stream.path, "complete" if version("caddy") == "2.6" else "client left")
