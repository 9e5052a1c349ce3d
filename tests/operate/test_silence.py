"""A function that is silent for longer than a proxy waits, and the line of its configuration that decides it."""

import pytest

from curl_client import CUT, HTTP_1_1
from proxied_url import FunctionUrl, streaming
from web_proxies import proxying

# The line with a second in place of 15 minutes or of no limit, and what the log then says.
LIMITS = [
    ("nginx", {"proxy_read_timeout 900s;": "proxy_read_timeout 1s;"}, "upstream timed out"),
    ("apache", {"timeout=900": "timeout=1"}, "AH01110: error reading response"),
    ("haproxy", {"timeout server 900s": "timeout server 1s"}, " sD-- "),
    ("envoy", {"timeout: 0s": "timeout: 1s"}, '" 200 UT '),
    ("envoy", {"stream_idle_timeout: 900s": "stream_idle_timeout: 1s"}, '" 200 SI '),
]


@pytest.mark.parametrize(
    ("kind", "changes", "logged"), LIMITS, ids=[f"{kind} {next(iter(line))}" for kind, line, _ in LIMITS]
)
def test_the_line_decides_how_long_a_function_may_be_silent(
    kind: str, changes: dict[str, str], logged: str, function_url: FunctionUrl
) -> None:
    function_url.warm_up()  # so that the first chunk takes no second

    with (
        proxying(kind, function_url.upstream, changes) as proxy,
        streaming(proxy, HTTP_1_1, ["one\n", "two\n"]) as stream,
    ):
        stream.response.read("one\n")
        stream.gate.wait_for_function()  # which goes no further
        assert stream.response.read_to_end() == ("", CUT[HTTP_1_1])
        proxy.wait_for_log(logged)
