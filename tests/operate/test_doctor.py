"""`streamify doctor` through the real nginx: it names the line of the configuration that is wrong."""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator_process import COMMAND, environment
from gate import Gate
from proxied_url import FunctionUrl
from waiting import TIMEOUT_S
from web_proxies import PUBLIC_NAME, Proxy, proxying

BUFFERED = {"proxy_buffering off;": ""}
HTTP_1_0 = {"proxy_http_version 1.1;": ""}
COMPRESSED = {"gzip off;": "gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;"}
CHUNKS = [f"data: {number}\n\n" for number in range(5)]


def diagnosis(
    proxy: Proxy,
    case: str = "lockstep",
    chunks: Sequence[str] = CHUNKS,
    opened: int = len(CHUNKS),
    pause_s: float = 0,
) -> Any:
    """Return what the command finds when so many gates of the function's have been opened, the first after a pause."""
    with Gate() as gate:
        query = urlencode({"gate": gate.address, "chunks": json.dumps(chunks), "type": "text/event-stream"})
        url = f"{proxy.url.replace(PUBLIC_NAME, '127.0.0.1')}/{case}?{query}"
        command = subprocess.Popen(
            [COMMAND, "doctor", url, "--cacert", proxy.ca_file, "--json"],
            env=environment(None), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            for _ in range(opened):
                gate.wait_for_function()
                time.sleep(pause_s)
                gate.open_for_waiting()
                pause_s = 0
            output, errors = command.communicate(timeout=TIMEOUT_S)
        finally:
            command.kill()
            command.communicate()
    assert command.returncode == 1, errors
    return json.loads(output)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({**BUFFERED, **HTTP_1_0}, ["`proxy_buffering off;` and `proxy_http_version 1.1;`"]),
        ({**BUFFERED, **COMPRESSED}, ["`proxy_buffering off;` and `proxy_http_version 1.1;`", "`gzip off;`"]),
    ],
    ids=["the defaults", "compressed"],
)
def test_a_stream_in_one_piece_names_the_lines_of_nginx(
    changes: Mapping[str, str], lines: list[str], function_url: FunctionUrl
) -> None:
    with proxying("nginx", function_url.upstream, changes) as proxy:
        found = diagnosis(proxy)

    assert found["verdict"] == "piece"
    assert [line in text for line, text in zip(lines, found["advice"][: len(lines)], strict=True)] == [True] * len(
        lines
    )


def test_a_stream_that_nginx_buffers_over_tls_is_seen_though_it_has_chunks(function_url: FunctionUrl) -> None:
    with proxying("nginx", function_url.upstream, BUFFERED) as proxy:
        found = diagnosis(proxy, chunks=CHUNKS[:2], opened=2, pause_s=0.1)  # longer than what is too quick to tell

    assert found["verdict"] == "burst"
    assert "`proxy_buffering off;`" in found["advice"][0]


def test_a_timeout_of_nginx_is_named_with_its_line(function_url: FunctionUrl) -> None:
    function_url.warm_up()
    with proxying("nginx", function_url.upstream, {"proxy_read_timeout 900s;": "proxy_read_timeout 1s;"}) as proxy:
        found = diagnosis(proxy, opened=0)

    assert found["verdict"] == "cut"
    assert "`proxy_read_timeout 900s;`" in found["advice"][0]


def test_a_function_that_ends_in_mid_stream_is_named_as_well(function_url: FunctionUrl) -> None:
    with proxying("nginx", function_url.upstream) as proxy:
        found = diagnosis(proxy, "cut", ["so far\n"], opened=1)

    assert found["verdict"] == "cut"
    assert found["advice"][-1].startswith("The function may have failed after its first byte")


def test_an_error_of_nginx_leads_to_its_error_log(function_url: FunctionUrl) -> None:
    with proxying(
        "nginx", function_url.upstream, {"proxy_ssl_verify_depth 3;": "proxy_ssl_name other.example;"}
    ) as proxy:
        found = diagnosis(proxy, opened=0)

    assert found["verdict"] == "piece"
    assert found["advice"][0].startswith("The status is 502")
    assert found["advice"][0].endswith("its error_log says why.")
