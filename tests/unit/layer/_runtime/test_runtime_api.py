import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import IPPROTO_TCP, TCP_NODELAY
from threading import Event, Thread
from typing import ClassVar

import pytest

from lambda_streamify._runtime.context import InvocationRequest
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify.errors import ConnectionLost, RequestRefused
from scripted_api import ACCEPTED, WAIT, Peer, Script, ScriptedApi, answers, invocation, reply
from sent import parse

INVOCATION_ID = "Lambda-Runtime-Invocation-Id: nonce-1"


@contextmanager
def client_of(*scripts: Script) -> Iterator[tuple[RuntimeApi, list[bytes]]]:
    """A client, and the requests that the API has read so far."""
    with ScriptedApi(*scripts) as api, closing(RuntimeApi(api.address, "test/1")) as client:
        yield client, api.requests


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_next_asks_for_an_event() -> None:
    with ScriptedApi(answers(invocation({"a": 1}))) as api, closing(RuntimeApi(api.address, "test/1")) as client:
        request = client.next()

    assert api.requests == [
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
        b"Host: " + api.address.encode() + b"\r\nUser-Agent: test/1\r\n\r\n"
    ]
    assert (request.request_id, request.body, request.content_type) == ("request-1", b'{"a": 1}', "application/json")


def test_a_response_goes_out_in_one_piece() -> None:
    with client_of(answers(invocation(), ACCEPTED)) as (client, requests):
        client.post_invocation_result(client.next(), b"body", "text/x")

    sent = parse(requests[1])
    assert (sent.method, sent.path) == ("POST", "/2018-06-01/runtime/invocation/request-1/response")
    assert sent.headers.keys() == {"host", "user-agent", "content-type", "content-length"}
    assert (sent.headers["content-type"], sent.body) == ("text/x", b"body")


def test_an_empty_response_says_that_it_is_empty() -> None:
    with client_of(answers(invocation(), ACCEPTED)) as (client, requests):
        client.post_invocation_result(client.next(), b"", "text/x")

    assert parse(requests[1]).headers["content-length"] == "0"
    assert requests[1].endswith(b"\r\n\r\n")


def test_an_error_goes_to_the_invocation() -> None:
    with client_of(answers(invocation(), ACCEPTED)) as (client, requests):
        client.post_invocation_error(client.next(), b'{"errorType": "E"}')

    sent = parse(requests[1])
    assert (sent.method, sent.path) == ("POST", "/2018-06-01/runtime/invocation/request-1/error")
    assert sent.headers.keys() == {"host", "user-agent", "content-type", "content-length"}
    assert (sent.headers["content-type"], sent.body) == ("application/json", b'{"errorType": "E"}')


@pytest.mark.parametrize(
    ("error_type", "name"),
    [("Runtime.ImportModuleError", "Runtime.ImportModuleError"), ("Ошибка\r\nX: y", "________X__y")],
)
def test_an_error_before_the_first_event_is_named_in_a_header(error_type: str, name: str) -> None:
    with client_of(answers(ACCEPTED)) as (client, requests):
        client.post_init_error(b"{}", error_type)

    sent = parse(requests[0])
    assert (sent.method, sent.path, sent.body) == ("POST", "/2018-06-01/runtime/init/error", b"{}")
    assert sent.headers["lambda-runtime-function-error-type"] == name
    assert "x" not in sent.headers


def test_a_stream_says_so_and_announces_its_trailers() -> None:
    with client_of(answers(invocation(), ACCEPTED)) as (client, requests):
        stream = client.stream(client.next(), "text/x")
        assert len(requests) == 1
        stream.open(b"", b"abc")
        stream.end()

    assert requests[1].endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    sent = parse(requests[1])
    assert (sent.method, sent.path) == ("POST", "/2018-06-01/runtime/invocation/request-1/response")
    assert sent.headers.keys() == {
        "host",
        "user-agent",
        "content-type",
        "transfer-encoding",
        "trailer",
        "lambda-runtime-function-response-mode",
    }


Answer = Callable[[RuntimeApi, InvocationRequest], object]


def respond(client: RuntimeApi, request: InvocationRequest) -> None:
    client.post_invocation_result(request, b"body", "text/x")


def fail(client: RuntimeApi, request: InvocationRequest) -> None:
    client.post_invocation_error(request, b"{}")


def stream(client: RuntimeApi, request: InvocationRequest) -> None:
    opened = client.stream(request, "text/x")
    opened.open()
    opened.end()


def closed_after(*replies: bytes) -> Script:
    """Answer this number of requests, and then check that the client closes the connection."""

    def script(peer: Peer) -> None:
        answers(*replies)(peer)
        assert peer.is_closed_by_the_other_side()

    return script


every_answer = pytest.mark.parametrize("answer", [respond, fail, stream])


@every_answer
@pytest.mark.parametrize("fields", [(), (INVOCATION_ID,)], ids=["without", "with"])
def test_the_invocation_id_is_sent_back_if_next_sent_one(answer: Answer, fields: tuple[str, ...]) -> None:
    with client_of(answers(invocation(None, *fields), ACCEPTED)) as (client, requests):
        answer(client, client.next())

    assert (INVOCATION_ID.encode() in requests[1].split(b"\r\n")) == bool(fields)


@every_answer
def test_a_request_id_cannot_change_the_path(answer: Answer) -> None:
    with client_of(answers(invocation(request_id="a/../b c?#%é"), ACCEPTED)) as (client, requests):
        answer(client, client.next())

    assert b" /2018-06-01/runtime/invocation/a%2F..%2Fb%20c%3F%23%25%C3%A9/" in requests[1]


# --- what comes back -------------------------------------------------------------------------------------------------


def test_a_large_event_is_read_completely() -> None:
    event = "x" * (6 * 1024 * 1024)

    with client_of(answers(invocation(event))) as (client, _):
        assert client.next().body == f'"{event}"'.encode()


def test_an_event_that_arrives_slowly_is_read_completely() -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        data = invocation({"a": 1})
        for index in range(len(data)):
            peer.send(data[index : index + 1])

    with client_of(script) as (client, _):
        assert client.next().body == b'{"a": 1}'


@every_answer
@pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 410, 413, 500, 599])
def test_any_status_but_202_refuses_an_answer(answer: Answer, status: int) -> None:
    with client_of(closed_after(invocation(), reply(status, b"why")), answers(invocation())) as (client, _):
        request = client.next()
        with pytest.raises(RequestRefused, match=f"answered {status} to (response|error): why$") as raised:
            answer(client, request)
        client.next()  # on a new connection, since nobody knows how much the API has read from the refused one

    assert raised.value.status == status


@pytest.mark.parametrize("status", [201, 202, 204, 403, 410, 500])
def test_any_status_but_200_refuses_next(status: int) -> None:
    with client_of(answers(reply(status, b"why"))) as (client, _), pytest.raises(RequestRefused) as raised:
        client.next()

    assert str(raised.value) == f"the Runtime API answered {status} to next: why"


def test_an_init_error_can_be_refused_too() -> None:
    refused = pytest.raises(RequestRefused, match="403 to init/error")
    with client_of(answers(reply(403, b"why"))) as (client, _), refused:
        client.post_init_error(b"{}", "E")


@every_answer
def test_an_early_answer_is_read_even_if_the_body_was_not(answer: Answer) -> None:
    def too_large(peer: Peer) -> None:
        peer.answer(invocation())
        peer.read_until(b"\r\n\r\n")
        peer.send(reply(413, b"too large"))

    body = bytes(16 * 1024 * 1024)
    large: dict[Answer, Answer] = {
        respond: lambda client, request: client.post_invocation_result(request, body, "text/x"),
        fail: lambda client, request: client.post_invocation_error(request, body),
        stream: lambda client, request: client.stream(request, "text/x").open(b"", body),
    }
    with client_of(too_large) as (client, _):
        request = client.next()
        with pytest.raises(RequestRefused, match=r"answered 413 to \w+: too large$"):
            large[answer](client, request)


def held(over: Event, speak: Callable[[Peer], object]) -> Script:
    """Answer after reading the head of the second request, then neither read on nor close it until `over`."""

    def script(peer: Peer) -> None:
        peer.answer(invocation())
        peer.read_until(b"\r\n\r\n")
        speak(peer)
        assert over.wait(WAIT), "the client waits for more"

    return script


LARGE = bytes(range(256)) * 65536  # 16 MiB, more than any socket takes in one send


def respond_large(client: RuntimeApi, request: InvocationRequest) -> None:
    client.post_invocation_result(request, LARGE, "text/x")


def fail_large(client: RuntimeApi, request: InvocationRequest) -> None:
    client.post_invocation_error(request, LARGE)


def stream_large(client: RuntimeApi, request: InvocationRequest) -> None:
    opened = client.stream(request, "text/x")
    opened.open(b"", LARGE)
    opened.end()


def stream_large_async(client: RuntimeApi, request: InvocationRequest) -> None:
    async def send() -> None:
        opened = client.stream(request, "text/x")
        await opened.open_async(asyncio.get_running_loop(), b"", LARGE)
        await opened.end_async(asyncio.get_running_loop())

    asyncio.run(send())


every_large_answer = pytest.mark.parametrize("answer", [respond_large, fail_large, stream_large, stream_large_async])
in_pieces = [reply(413, b"too large")[:20], reply(413, b"too large")[20:]]


@every_large_answer
@pytest.mark.parametrize("replies", [[reply(413, b"too large")], in_pieces, [reply(100), reply(413, b"too large")]])
def test_a_refusal_ends_an_unread_answer_even_if_the_connection_stays_open(
    answer: Answer, replies: list[bytes]
) -> None:
    def refuse(peer: Peer) -> None:
        for data in replies:
            peer.send(data)

    over = Event()
    with client_of(held(over, refuse), answers(invocation())) as (client, _):
        request = client.next()
        with pytest.raises(RequestRefused, match=r"answered 413 to \w+: too large$"):
            answer(client, request)
        over.set()
        client.next()


@every_large_answer
def test_an_api_that_closes_before_it_has_read_the_answer_ends_it(answer: Answer) -> None:
    over = Event()
    with client_of(held(over, Peer.say_no_more)) as (client, _):
        request = client.next()
        with pytest.raises(ConnectionLost):
            answer(client, request)
        over.set()


@every_large_answer
@pytest.mark.parametrize("fields", [(), ("Connection: close",)], ids=["kept", "closed"])
def test_an_early_success_does_not_stop_the_answer(answer: Answer, fields: tuple[str, ...]) -> None:
    def script(peer: Peer) -> None:
        peer.answer(invocation())
        head = peer.read_until(b"\r\n\r\n")
        peer.send(reply(202, b"", *fields))
        peer.read_body(head)

    with client_of(script) as (client, requests):
        answer(client, client.next())

    assert parse(requests[1]).body == LARGE


# --- the connection --------------------------------------------------------------------------------------------------


def test_one_connection_serves_all_requests() -> None:
    with client_of(answers(*[invocation(), ACCEPTED] * 3)) as (client, requests):
        for answer in (respond, fail, stream):
            answer(client, client.next())

    assert len(requests) == 6


def test_the_socket_waits_for_ever_and_sends_at_once_whatever_the_function_has_set() -> None:
    socket.setdefaulttimeout(WAIT)
    try:
        with client_of(answers(invocation())) as (client, _):
            client.next()
            kept = client._socket  # noqa: SLF001 - the only way to see it at once

            assert kept is not None
            assert kept.gettimeout() is None
            assert kept.getsockopt(IPPROTO_TCP, TCP_NODELAY)
    finally:
        socket.setdefaulttimeout(None)


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, Close"])
def test_a_connection_that_the_api_wants_closed_is_closed(value: str) -> None:
    with client_of(closed_after(reply(200, b"{}", f"Connection: {value}")), answers(ACCEPTED)) as (client, _):
        respond(client, client.next())


@every_answer
@pytest.mark.parametrize("length", [True, False])
def test_an_http_1_0_api_gets_a_new_connection_for_each_request(answer: Answer, *, length: bool) -> None:
    def of_http_1_0(data: bytes) -> Script:
        data = data.replace(b"HTTP/1.1", b"HTTP/1.0")
        return answers(data if length else re.sub(rb"Content-Length: \d+\r\n", b"", data))

    with client_of(*map(of_http_1_0, [invocation({"a": 1}), ACCEPTED, invocation("next")])) as (client, requests):
        request = client.next()
        answer(client, request)
        assert (request.body, client.next().body) == (b'{"a": 1}', b'"next"')

    assert [each.split(b" ")[0] for each in requests] == [b"GET", b"POST", b"GET"]


def test_next_is_repeated_if_the_connection_was_closed() -> None:
    with client_of(answers(invocation(), ACCEPTED), answers(invocation("again"))) as (client, requests):
        respond(client, client.next())
        assert client.next().body == b'"again"'

    assert [request.split(b" ")[0] for request in requests] == [b"GET", b"POST", b"GET"]


def test_next_is_repeated_if_the_connection_closes_during_it() -> None:
    def asked_twice(peer: Peer) -> None:
        peer.answer(invocation())
        peer.read_request()

    with client_of(asked_twice, answers(invocation("again"))) as (client, requests):
        client.next()
        assert client.next().body == b'"again"'

    assert len(requests) == 3


def silent(peer: Peer) -> None:
    peer.read_request()


def test_next_is_repeated_only_once() -> None:
    with client_of(answers(invocation()), silent, answers(invocation("later"))) as (client, requests):
        client.next()
        with pytest.raises(ConnectionLost, match="closed before the answer was complete"):
            client.next()
        assert client.next().body == b'"later"'

    assert len(requests) == 3


def test_next_is_not_repeated_on_a_new_connection() -> None:
    with client_of(silent, answers(invocation("later"))) as (client, _):
        with pytest.raises(ConnectionLost):
            client.next()
        assert client.next().body == b'"later"'


def test_next_is_not_repeated_after_the_answer_has_begun() -> None:
    def half(peer: Peer) -> None:
        peer.answer(invocation())
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n")

    with client_of(half, answers(invocation("later"))) as (client, _):
        client.next()
        with pytest.raises(ConnectionLost, match="broke: closed before the answer was complete"):
            client.next()
        assert client.next().body == b'"later"'


@every_answer
def test_a_post_is_never_repeated(answer: Answer) -> None:
    def gone(peer: Peer) -> None:
        peer.answer(invocation())
        peer.read_request()

    with client_of(gone, answers(invocation())) as (client, requests):
        request = client.next()
        with pytest.raises(ConnectionLost):
            answer(client, request)
        client.next()

    assert [each.split(b" ")[0] for each in requests] == [b"GET", b"POST", b"GET"]


@pytest.mark.parametrize("nonsense", [b"SSH-2.0\r\n\r\n", ACCEPTED + b"!"])
def test_after_what_is_not_http_the_connection_is_not_used_again(nonsense: bytes) -> None:
    with client_of(closed_after(invocation(), nonsense), answers(invocation())) as (client, _):
        request = client.next()
        with pytest.raises(ConnectionLost):
            respond(client, request)
        client.next()


def test_after_close_the_next_call_connects_again() -> None:
    with client_of(answers(invocation()), answers(invocation())) as (client, _):
        client.next()
        client.close()
        client.close()
        client.next()


def test_ipv6_addresses_stand_in_brackets() -> None:
    try:
        api = ScriptedApi(answers(invocation("six")), host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    with api, closing(RuntimeApi(api.address, "test/1")) as client:
        assert client.next().body == b'"six"'


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", ""])
def test_the_error_names_an_invalid_address(address: str) -> None:
    with pytest.raises(ConnectionLost, match=f"^cannot connect to the Runtime API at '{address}': "):
        RuntimeApi(address, "test/1").next()


def test_the_error_names_an_address_where_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ConnectionLost, match=f"^cannot connect to the Runtime API at '{address}': .*refused"):
            RuntimeApi(address, "test/1").next()


# --- an independent server -------------------------------------------------------------------------------------------


class StandardServer(BaseHTTPRequestHandler):
    """The standard library's server as a Runtime API. It reads no chunked bodies, so it serves no streams."""

    protocol_version = "HTTP/1.1"
    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_GET(self) -> None:
        self._reply(200, b'{"a": 1}')

    def do_POST(self) -> None:
        self.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self._reply(202, b"{}")

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "id")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_standard_librarys_server_understands_every_request() -> None:
    StandardServer.received.clear()
    with HTTPServer(("127.0.0.1", 0), StandardServer) as server:
        server.timeout = WAIT
        one_connection = Thread(target=server.handle_request)
        one_connection.start()
        with closing(RuntimeApi(f"127.0.0.1:{server.server_port}", "test/1")) as client:
            request = client.next()
            assert request.body == b'{"a": 1}'
            client.post_invocation_result(request, b"body", "text/x")
            client.post_invocation_error(client.next(), b"report")
        one_connection.join(WAIT)

    assert StandardServer.received == [
        ("/2018-06-01/runtime/invocation/id/response", b"body"),
        ("/2018-06-01/runtime/invocation/id/error", b"report"),
    ]


# --- Nagle's algorithm -----------------------------------------------------------------------------------------------


def sends_at_once(client: RuntimeApi) -> bool:
    """Return whether the connection that the client has now sends small packets without waiting."""
    connection = client._socket  # noqa: SLF001 - nothing else shows it
    assert connection is not None
    return bool(connection.getsockopt(IPPROTO_TCP, TCP_NODELAY))


def test_nagles_algorithm_is_off_on_the_first_connection_and_after_the_api_has_closed_it() -> None:
    with client_of(answers(invocation()), answers(invocation(), ACCEPTED)) as (client, _):
        client.next()
        first = client._socket  # noqa: SLF001
        assert sends_at_once(client)
        request = client.next()  # on a new connection: the API has closed the first one
        assert client._socket is not first  # noqa: SLF001
        assert sends_at_once(client)
        stream = client.stream(request, "text/plain")
        stream.open()
        stream.end()
        assert sends_at_once(client)


def test_nagles_algorithm_is_off_after_an_answer_that_closes_the_connection() -> None:
    closes = reply(202, b"", "Connection: close")
    with client_of(answers(invocation(), closes), answers(invocation())) as (client, _):
        client.post_invocation_result(client.next(), b"body", "text/x")
        assert client._socket is None  # noqa: SLF001
        client.next()
        assert sends_at_once(client)


def test_nagles_algorithm_is_off_after_a_refusal() -> None:
    with client_of(answers(invocation(), reply(413)), answers(invocation())) as (client, _):
        with pytest.raises(RequestRefused):
            client.post_invocation_result(client.next(), b"body", "text/x")
        client.next()
        assert sends_at_once(client)


def test_nagles_algorithm_is_off_after_a_snapshot_is_restored() -> None:
    with client_of(answers(reply(200)), answers(invocation())) as (client, _):
        client.restore_next()
        assert client._socket is None  # noqa: SLF001 - no connection is in the snapshot
        client.next()
        assert sends_at_once(client)
