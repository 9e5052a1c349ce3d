"""WebSocket APIs: a client of another project on one side, boto3 in the function on the other."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from url_client import request
from waiting import TIMEOUT_S

TEMPLATE = ROOT / "tests" / "data" / "websocket" / "template.yaml"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("websocket"), cache, template=TEMPLATE, measured=False) as emulator:
        yield emulator


@pytest.fixture
def url(emulator: EmulatorProcess) -> str:
    return emulator.apis["ChatApi"]


@pytest.fixture
def client(url: str) -> Iterator[ClientConnection]:
    with opened(url) as client:
        yield client


def opened(url: str, **options: Any) -> ClientConnection:
    client: ClientConnection = connect(url, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S, **options)
    return client


def ask(client: ClientConnection, **message: object) -> None:
    client.send(json.dumps(message))


def receive(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=TIMEOUT_S))


def closing(client: ClientConnection) -> tuple[int, str]:
    """Wait for the end of the connection; return what its close frame says."""
    with pytest.raises(ConnectionClosed) as raised:
        client.recv(timeout=TIMEOUT_S)
    assert raised.value.rcvd is not None
    return raised.value.rcvd.code, raised.value.rcvd.reason


def test_the_address_of_an_api_is_that_of_its_stage(emulator: EmulatorProcess) -> None:
    assert (urlsplit(emulator.apis["ChatApi"]).scheme, urlsplit(emulator.apis["ChatApi"]).path) == ("ws", "/live")
    assert urlsplit(emulator.apis["EchoApi"]).path == "/default"


def test_each_message_of_the_function_arrives_before_the_next_one_is_sent(client: ClientConnection) -> None:
    with Gate() as gate:
        ask(client, action="act", do="count", gate=gate.address)
        for number in range(3):
            assert receive(client) == {"number": number}
            gate.open()


def test_the_function_gets_the_events_of_a_connection(url: str, emulator: EmulatorProcess) -> None:
    with emulator.logged('"enough"') as log:
        headers = {"x-mine": "yes"}
        with opened(f"{url}?a=1&a=2&b=3", additional_headers=headers, user_agent_header="test/1") as client:
            ask(client, action="show")
            message = receive(client)
            client.close(4000, "enough")
    id_ = message["requestContext"]["connectionId"]
    connected, disconnected = printed(log, "connected", id_), printed(log, "disconnected", id_)

    assert connected["headers"]["x-mine"] == "yes"
    assert connected["multiValueHeaders"]["Host"] == [urlsplit(url).netloc]
    assert connected["queryStringParameters"] == {"a": "2", "b": "3"}
    assert connected["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["3"]}
    context = connected["requestContext"]
    assert (context["routeKey"], context["eventType"], context["stage"]) == ("$connect", "CONNECT", "live")
    assert (context["domainName"], context["messageDirection"]) == (urlsplit(url).netloc, "IN")
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "test/1"}
    assert connected["isBase64Encoded"] is False

    assert message["body"] == '{"action": "show"}'
    assert "headers" not in message
    assert message["requestContext"]["messageId"]
    assert (message["requestContext"]["routeKey"], message["requestContext"]["eventType"]) == ("show", "MESSAGE")

    ended = disconnected["requestContext"]
    assert (ended["routeKey"], ended["eventType"]) == ("$disconnect", "DISCONNECT")
    assert (ended["disconnectStatusCode"], ended["disconnectReason"]) == (4000, "enough")
    for other in (message["requestContext"], ended):
        assert other["connectionId"] == context["connectionId"]
        assert other["connectedAt"] == context["connectedAt"]


def printed(log: list[str], kind: str, connection: str) -> Any:
    """Return the event of the connection that the function has printed behind this word."""
    (line,) = [line for line in log if line.startswith(f"chat | {kind} ") and connection in line]
    return json.loads(line.partition(f"{kind} ")[2])


def test_the_function_describes_and_closes_a_connection(client: ClientConnection) -> None:
    ask(client, action="act", do="describe")
    described = receive(client)
    assert described["Identity"]["SourceIp"] == "127.0.0.1"
    assert described["LastActiveAt"] >= described["ConnectedAt"]

    ask(client, action="act", do="delete")
    assert closing(client) == (1001, "Connection Closed Normally")


@pytest.mark.parametrize(("do", "status"), [("absent", 410), ("large", 413)])
def test_boto3_raises_the_error_of_the_service(client: ClientConnection, do: str, status: int) -> None:
    ask(client, action="act", do=do)

    assert receive(client) == {"status": status}


def test_the_function_chooses_the_subprotocol(url: str) -> None:
    with opened(url, subprotocols=["other", "chat"]) as client:
        assert client.subprotocol == "chat"


@pytest.mark.parametrize(
    ("status", "message"), [(401, "Forbidden"), (403, "Forbidden"), (500, "Internal server error")]
)
def test_a_function_that_refuses_the_client_opens_no_connection(url: str, status: int, message: str) -> None:
    with pytest.raises(InvalidStatus) as raised:
        opened(f"{url}?status={status}")

    assert raised.value.response.status_code == status
    assert json.loads(raised.value.response.body or b"") == {"message": message}


def test_another_stage_is_refused_without_the_function(url: str) -> None:
    with pytest.raises(InvalidStatus) as raised:
        opened(url.replace("/live", "/other"))

    assert raised.value.response.status_code == 403


@pytest.mark.parametrize("text", ["no JSON", '{"action": "none"}', '{"action": "$connect"}', '{"action": 1}', "[]"])
def test_a_message_without_a_route_is_forbidden(client: ClientConnection, text: str) -> None:
    client.send(text)

    report = receive(client)
    assert report["message"] == "Forbidden"
    assert set(report) == {"message", "connectionId", "requestId"}


def test_a_function_that_fails_is_reported_to_the_client(client: ClientConnection, emulator: EmulatorProcess) -> None:
    with emulator.logged("LookupError: asked to", 'the client gets "Internal server error"'):
        ask(client, action="act", do="fail")
        assert receive(client)["message"] == "Internal server error"


def test_a_throttled_message_is_reported_to_the_client(client: ClientConnection, emulator: EmulatorProcess) -> None:
    with Gate() as gate, emulator.logged("the client gets"):
        ask(client, action="single", do="count", gate=gate.address)
        assert receive(client) == {"number": 0}
        gate.wait_for_function()
        ask(client, action="single")  # the function reserves a concurrency of one
        assert receive(client)["message"] == "Internal server error"
        for number in (1, 2):
            gate.open_for_waiting()
            assert receive(client) == {"number": number}
            gate.wait_for_function()
        gate.open_for_waiting()


def test_without_routes_for_it_a_connection_needs_no_function(emulator: EmulatorProcess) -> None:
    with opened(emulator.apis["EchoApi"]) as client:
        client.send("stop")
        assert client.recv(timeout=TIMEOUT_S) == "pots"


def test_binary_frames_are_not_supported(client: ClientConnection) -> None:
    client.send(b"\0")

    assert closing(client)[0] == 1003


def test_a_message_that_is_too_large_closes_the_connection(client: ClientConnection) -> None:
    client.send("x" * (128 * 1024 + 1))

    assert closing(client)[0] == 1009


def test_a_request_that_is_not_signed_is_refused(url: str, client: ClientConnection) -> None:
    ask(client, action="show")
    connection = receive(client)["requestContext"]["connectionId"]
    at = url.replace("ws://", "http://").removesuffix("/live")

    reply = request(at, f"/live/@connections/{quote(connection)}", method="POST", body=b"x")

    assert (reply.status, reply.json()) == (403, {"message": "Missing Authentication Token"})


def test_an_unknown_host_is_refused(url: str) -> None:
    port = urlsplit(url).port or 0
    with pytest.raises(InvalidStatus) as raised, socket.create_connection(("127.0.0.1", port)) as connection:
        opened("ws://evil.example/live", sock=connection)

    assert raised.value.response.status_code == 403
