"""How the proxies of deploy/ reach a function URL: by its name in TLS, and only if its certificate is trusted."""

from collections.abc import Iterator
from pathlib import Path
from socket import create_server, socket

import pytest
import trustme

from curl_client import HTTP_1_1, curl
from proxied_url import FunctionUrl
from waiting import TIMEOUT_S
from web_proxies import FUNCTION_URL, KINDS, Upstream, proxying

# In these, the name in the configuration is what the test replaces.
BY_NAME = {"apache": "localhost", "caddy": "localhost"}


@pytest.fixture
def listener() -> Iterator[socket]:
    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        yield listener


@pytest.mark.parametrize("kind", KINDS)
def test_the_name_of_the_function_url_is_in_the_first_bytes_of_tls(
    kind: str, listener: socket, function_url: FunctionUrl
) -> None:
    upstream = Upstream(listener.getsockname()[1], function_url.upstream.ca_file)

    with proxying(kind, upstream) as proxy, curl(proxy.url, "/", HTTP_1_1, proxy.ca_file):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(TIMEOUT_S)
            client_hello = connection.recv(65536)

    assert BY_NAME.get(kind, FUNCTION_URL).encode() in client_hello


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_url_whose_certificate_is_not_trusted_is_not_asked(
    kind: str, tmp_path: Path, function_url: FunctionUrl
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)

    with (
        proxying(kind, Upstream(function_url.upstream.port, other)) as proxy,
        curl(proxy.url, "/untrusted", HTTP_1_1, proxy.ca_file, "--include") as response,
    ):
        answer, _ = response.read_to_end()

    assert answer.split()[1] in ("500", "502", "503")
    assert function_url.endings("/untrusted") == []
