"""Scalyr's agent ships what deploy/scalyr/ says, and the parsers there understand each line.

The function prints the record of its stream, and nginx writes its logs, both for real.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from curl_client import CUT, HTTP_1_1, WHOLE
from emulator_process import emulating
from lambda_streamify._observe.stream_record import StreamRecord
from processes import ROOT
from proxied_url import FunctionUrl, streaming
from scalyr_agent_process import shipping
from scalyr_parser import PARSERS, Parser
from scalyr_server import ScalyrServer, scalyr_server
from web_proxies import FUNCTION_URL, Proxy, proxying

HANDLER = ROOT / "tests" / "data" / "operate" / "app.py"
OPTIONS = ("--tls", "--public-host", FUNCTION_URL, "--timeout", "120", "--limits", "none", "--stream-error", "cut")
SERVICE = "https://app.scalyr.com"
FIELDS = [name for name in StreamRecord.__slots__ if name != "generation"]


class Shipped(NamedTuple):
    """A function behind nginx, of which the agent ships all logs to the server."""

    server: ScalyrServer
    proxy: Proxy
    function_log: Path

    def line(self, log: Path, text: str) -> dict[str, Any]:
        """Return the fields of the only line with this text, as its parser finds them."""
        event = self.server.wait_for(log, text)
        assert event["serverHost"] == "stream.example.com"
        return Parser(event["parser"]).fields(event["message"])


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Shipped]:
    folder, scratch = tmp_path_factory.mktemp("scalyr"), tmp_path_factory.mktemp("function-url")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with (
        emulating(scratch, cache, *OPTIONS, template=HANDLER, parameters=(), measured=False) as function,
        proxying("nginx", FunctionUrl(function, scratch).upstream) as proxy,
        scalyr_server(authority) as server,
    ):
        log = scratch / "stderr"
        changes = {SERVICE: server.url, "/var/log/streamify/*.log": f"{log}", "/var/log/nginx": f"{proxy.folder}"}
        with shipping(folder, folder / "ca.pem", changes):
            yield Shipped(server, proxy, log)


def test_the_record_of_a_stream_arrives_with_all_its_fields(shipped: Shipped) -> None:
    with streaming(shipped.proxy, HTTP_1_1, ["first", "second"]) as stream:
        stream.response.read("first")
        stream.gate.open()
        stream.response.read("second")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)

    fields = shipped.line(shipped.function_log, '"bytes": 11')
    assert list(fields) == ["type", *FIELDS]
    assert (fields["type"], fields["outcome"], fields["chunks"]) == ("stream", "complete", 2)


def test_the_line_of_nginx_arrives_with_all_its_fields(shipped: Shipped) -> None:
    with streaming(shipped.proxy, HTTP_1_1, ["one"]) as stream:
        stream.response.read("one")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", WHOLE)

    fields = shipped.line(shipped.proxy.folder / "stream.log", f"GET {stream.path}?")
    assert (fields["ip"], fields["status"], fields["completion"]) == ("127.0.0.1", "200", "OK")
    assert fields["request"].startswith(f"GET {stream.path}?")
    assert fields["upstream"].startswith("127.0.0.1:")
    assert fields["upstream_status"] == "200"
    assert {name for name in fields if float_or_none(fields[name]) is not None} == {
        *("status", "sent", "total", "upstream_status", "upstream_received", "connect", "header", "response")
    }


def test_the_line_of_nginx_about_a_cut_response_arrives_as_an_error(shipped: Shipped) -> None:
    with streaming(shipped.proxy, HTTP_1_1, ["so far"], case="cut") as stream:
        stream.response.read("so far")
        stream.gate.open()
        assert stream.response.read_to_end() == ("", CUT[HTTP_1_1])

    fields = shipped.line(shipped.proxy.folder / "stream-error.log", stream.path)
    assert fields["severity"] == "error"
    assert "upstream prematurely closed connection while reading upstream" in fields["detail"]


def float_or_none(text: str) -> float | None:
    """Return the number that the text is, None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None


# --- lines that no test has made -------------------------------------------------------------------------------------

AWS_LOGS_TAIL = '2026-11-29T15:05:19.922000+00:00 2026/11/29/[$LATEST]0123456789abcdef {"type": "stream", "chunks": 2}'
SILENT = (
    '192.0.2.1 [2026-11-29T15:05:19+01:00] "GET /chat HTTP/2.0" 502 completion=OK sent=157 total=3.004 '
    "upstream=192.0.2.7:443, 192.0.2.8:443 upstream_status=502, 502 upstream_received=0, 0 connect=-, - header=-, - "
    "response=3.001, 0.003"
)
LEFT = (
    '2001:db8::1 [2026-11-29T15:05:19+00:00] "GET / HTTP/1.1" 200 completion= sent=5 total=0.1 '
    "upstream=[2001:db8::2]:443 upstream_status=200 upstream_received=5 connect=0.001 header=0.002 response=0.1"
)


def test_a_record_may_have_a_time_and_more_before_it() -> None:
    assert Parser("streamRecord").fields(AWS_LOGS_TAIL) == {
        "timestamp": "2026-11-29T15:05:19.922000+00:00",
        "type": "stream",
        "chunks": 2,
    }


@pytest.mark.parametrize("line", ["", "START RequestId: 1 Version: $LATEST", "2026-11-29T15:05:19Z one"])
def test_a_line_that_is_no_record_has_no_fields(line: str) -> None:
    assert Parser("streamRecord").fields(line) == {}


def test_values_of_two_upstreams_are_a_list() -> None:
    fields = Parser("nginxStream").fields(SILENT)

    assert fields["upstream"] == "192.0.2.7:443, 192.0.2.8:443"
    assert (fields["upstream_status"], fields["connect"], fields["response"]) == ("502, 502", "-, -", "3.001, 0.003")


def test_a_client_that_left_has_no_completion() -> None:
    fields = Parser("nginxStream").fields(LEFT)

    assert (fields["completion"], fields["sent"]) == ("", "5")


def test_each_parser_that_the_agent_names_is_there() -> None:
    configuration = (PARSERS.parent / "agent.json").read_text()

    names = {path.name for path in PARSERS.iterdir()}
    assert all(f'"parser": "{name}"' in configuration for name in names)
    assert configuration.count('"parser"') == 3
