"""`streamify serve --tls`, asked by clients that check certificates."""

import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator_process import EmulatorProcess, emulating, streamify
from gate import Gate
from url_client import request
from waiting import TIMEOUT_S

PUBLIC = "app.example.com"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("https"), cache, "--tls", "--public-host", PUBLIC) as emulator:
        yield emulator


@pytest.fixture
def trusting(secure: EmulatorProcess) -> ssl.SSLContext:
    certificate = request(secure.lambda_api, "/_streamify/ca.pem").body.decode()
    return ssl.create_default_context(cadata=certificate)


def connection(url: str, context: ssl.SSLContext) -> HTTPSConnection:
    return HTTPSConnection(urlsplit(url).netloc, timeout=TIMEOUT_S, context=context)


def some_url(secure: EmulatorProcess) -> str:
    url = next(iter(secure.urls.values()))
    assert url.startswith("https://127.0.0.1:")
    return url


def test_each_chunk_arrives_before_the_next_one_exists(secure: EmulatorProcess, trusting: ssl.SSLContext) -> None:
    with Gate() as gate, closing(connection(some_url(secure), trusting)) as client:
        client.request("GET", f"/gated?gate={gate.address}&chunks=2")
        response = client.getresponse()
        for _ in range(2):
            assert response.read1().startswith(b"chunk ")
            gate.open()
        assert response.read() == b""


def test_functions_see_the_public_name(secure: EmulatorProcess, trusting: ssl.SSLContext) -> None:
    with closing(connection(some_url(secure), trusting)) as client:
        client.request("GET", "/event_text", headers={"Host": PUBLIC})
        event = json.loads(client.getresponse().read())

    assert event["headers"]["host"] == PUBLIC
    assert event["headers"]["x-forwarded-proto"] == "https"


def test_a_client_without_the_ca_or_without_tls_does_not_disturb(
    secure: EmulatorProcess, trusting: ssl.SSLContext
) -> None:
    url = some_url(secure)
    with closing(connection(url, ssl.create_default_context())) as client, pytest.raises(ssl.SSLError):
        client.request("GET", "/")
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        request(url.replace("https", "http"))
    with closing(connection(url, trusting)) as client:
        client.request("GET", "/value?value=1")
        assert client.getresponse().status == 200
    assert "Traceback" not in secure.log()


def test_the_commands_trust_it_by_themselves(secure: EmulatorProcess) -> None:
    name = next(iter(secure.urls))
    api = secure.lambda_api

    invoked = streamify("invoke", name, "--path", "/value", "--query", "value=42", AWS_ENDPOINT_URL_LAMBDA=api)
    assert invoked.returncode == 0, invoked.stderr
    assert "HTTP 200" in invoked.stdout

    examined = streamify("doctor", f"{secure.urls[name]}value?value=42", "--json", AWS_ENDPOINT_URL_LAMBDA=api)
    assert json.loads(examined.stdout)["verdict"] in ("piece", "quick")

    refused = streamify("doctor", secure.urls[name], AWS_ENDPOINT_URL_LAMBDA="http://127.0.0.1:9")
    assert "its certificate is not trusted" in refused.stderr
    assert "SSL_CERT_FILE" in refused.stderr
