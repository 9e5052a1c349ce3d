import asyncio
import json
import time
from http.client import HTTPConnection

import pytest

from asynchronous import run
from file_limit import no_free_file
from lambda_streamify_emulator.invocations.invocation import CognitoIdentity, Invocation
from lambda_streamify_emulator.runtime_api import server as module
from lambda_streamify_emulator.runtime_api.server import CONNECTION_LIMIT
from runtime_peer import END, NEXT, Scene, chunk, post, read, request, response

# --- the event -------------------------------------------------------------------------------------------------------


def test_next_answers_with_the_event_and_what_lambda_says_of_it() -> None:
    async def main() -> None:
        async with Scene() as scene:
            invocation, peer = Invocation(b'{"a": 1}'), await scene.connect()
            scene.api.invoke(invocation)
            before = time.time()
            reply = await peer.ask(NEXT)

            assert (reply.status, reply.body) == (200, b'{"a": 1}')
            deadline = int(reply.headers.pop("lambda-runtime-deadline-ms")) / 1000
            assert before + 3 - 0.001 <= deadline <= time.time() + 3
            assert reply.headers == {
                "content-type": "application/json",
                "content-length": "8",
                "lambda-runtime-aws-request-id": invocation.request_id,
                "lambda-runtime-invocation-id": invocation.attempt,
                "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:123456789012:function:hello",
                "lambda-runtime-trace-id": invocation.trace_id,
            }
            assert scene.happened == ["handed over"]

    run(main())


def test_next_passes_on_everything_from_the_caller() -> None:
    async def main() -> None:
        async with Scene() as scene:
            invocation = Invocation(
                b"{}",
                trace_id="Root=1",
                client_context='{"custom": {"name": "\u017elu\u0165"},\r\n "env": {}}',
                cognito_identity=CognitoIdentity("us-east-1:user", "us-east-1:pool"),
                tenant_id="blue",
            )
            scene.api.invoke(invocation)
            headers = (await (await scene.connect()).ask(NEXT)).headers

            assert headers["lambda-runtime-trace-id"] == "Root=1"
            context = headers["lambda-runtime-client-context"].encode("latin-1").decode()
            assert context == '{"custom": {"name": "\u017elu\u0165"},   "env": {}}'
            identity = '{"cognitoIdentityId":"us-east-1:user","cognitoIdentityPoolId":"us-east-1:pool"}'
            assert headers["lambda-runtime-cognito-identity"] == identity
            assert headers["lambda-runtime-aws-tenant-id"] == "blue"

    run(main())


def test_missing_values_have_no_header() -> None:
    async def main() -> None:
        async with Scene() as scene:
            scene.api.invoke(Invocation(b"{}", trace_id=""))
            headers = (await (await scene.connect()).ask(NEXT)).headers

            assert "lambda-runtime-trace-id" not in headers

    run(main())


def test_next_is_held_until_there_is_an_event() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(NEXT)
            await scene.idle()
            assert scene.api.state == "Ready"
            scene.api.invoke(Invocation(b"7"))

            assert (await peer.reply()).body == b"7"
            assert scene.happened == ["idle", "handed over"]

    run(main())


def test_next_before_the_answer_gives_the_same_event_with_the_same_deadline() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.connect(), Invocation(b'"event"')
            scene.api.invoke(invocation)
            first, second = await peer.ask(NEXT), await (await scene.connect()).ask(NEXT)

            assert first == second
            assert scene.happened == ["handed over"]
            assert (await peer.ask(post(invocation.request_id, "response"))).status == 202

    run(main())


def test_of_several_connections_that_wait_the_first_gets_the_event() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peers = [await scene.connect() for _ in range(2)]
            for peer in peers:
                await peer.send(NEXT)
                await scene.idle()
            await scene.until(lambda: len(scene.api._waiting) == 2)  # noqa: SLF001
            first, second = Invocation(b"1"), Invocation(b"2")
            scene.api.invoke(first)
            assert (await peers[0].reply()).body == b"1"
            assert (await peers[0].ask(post(first.request_id, "response"))).status == 202
            await peers[0].send(NEXT)
            await peers[0].close()
            await scene.until(lambda: len(scene.api._waiting) == 2)  # noqa: SLF001
            scene.api.invoke(second)
            assert (await peers[1].reply()).body == b"2"

    run(main())


def test_an_event_is_not_given_to_a_connection_that_is_gone_if_there_is_another() -> None:
    async def main() -> None:
        async with Scene() as scene:
            gone, peer = await scene.connect(), await scene.connect()
            await gone.send(NEXT)
            await scene.idle()
            await gone.close()
            (waiting,) = scene.api._waiting  # noqa: SLF001
            await scene.until(lambda: waiting.half_closed)
            await peer.send(NEXT)
            await scene.until(lambda: len(scene.api._waiting) == 2)  # noqa: SLF001
            scene.api.invoke(Invocation(b'"event"'))

            assert (await peer.reply()).body == b'"event"'

    run(main())


def test_an_event_that_went_to_a_connection_that_is_gone_can_be_asked_for_again() -> None:
    async def main() -> None:
        async with Scene() as scene:
            gone = await scene.connect()
            await gone.send(NEXT)
            await scene.idle()
            await gone.close()
            scene.api.invoke(Invocation(b'"event"'))

            assert (await (await scene.connect()).ask(NEXT)).body == b'"event"'

    run(main())


def test_the_standard_librarys_client_gets_along_with_it() -> None:
    def client(address: str) -> list[tuple[int, bytes]]:
        connection = HTTPConnection(address, timeout=10)
        replies = []

        def ask(method: str, path: str, body: object = None, **headers: str) -> str:
            connection.request(method, f"/2018-06-01/runtime/{path}", body, headers)  # type: ignore[arg-type]
            reply = connection.getresponse()
            replies.append((reply.status, reply.read()))
            return reply.headers.get("Lambda-Runtime-Aws-Request-Id", "")

        request_id = ask("GET", "invocation/next")
        ask("POST", f"invocation/{request_id}/response", iter([b"a", b"bc"]))
        ask("POST", f"invocation/{request_id}/response", b"again")
        connection.close()
        return replies

    async def main() -> None:
        async with Scene() as scene:
            invocation = Invocation(b"[]")
            scene.api.invoke(invocation)
            replies = await asyncio.to_thread(client, scene.address)

            assert [status for status, _ in replies] == [200, 202, 403]
            assert await read(invocation) == b"abc"

    run(main())


# --- calls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "invocation/next", "GET"),
        ("GET", "init/error", "POST"),
        ("GET", "invocation/{id}/response", "POST"),
        ("PUT", "invocation/other/error", "POST"),
    ],
)
def test_a_call_by_another_method_is_not_allowed(method: str, path: str, allowed: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()

            reply = await peer.ask(request(method, path.format(id=invocation.request_id), body=b""))
            assert (reply.status, reply.headers["allow"], reply.body) == (405, allowed, b"")
            assert scene.api.state == "Running"

    run(main())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "invocation/{id}/next"),
        ("POST", "invocation/{id}/init/error"),
        ("POST", "invocation/{id}/other"),
        ("POST", "response"),
        ("GET", ""),
        ("GET", "invocation/next/"),
        ("GET", "../runtime/invocation/next"),
        ("GET", "restore/next"),
    ],
)
def test_what_is_no_call_is_not_found_whatever_the_state(method: str, path: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            target = path.format(id=invocation.request_id)

            reply = await peer.ask(request(method, target, body=b""))
            assert (reply.status, reply.body) == (404, b"404 page not found\n")
            assert scene.warnings == [f"{method} /2018-06-01/runtime/{target} is not a call of the Runtime API"]
            assert scene.api.state == "Running"

    run(main())


def test_a_ping_is_answered_in_each_state() -> None:
    async def main() -> None:
        async with Scene() as scene:
            ping = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            peer = await scene.connect()
            reply = await peer.ask(ping)
            assert (reply.status, reply.body, reply.headers["content-type"]) == (
                200,
                b"pong",
                "text/plain; charset=utf-8",
            )
            assert scene.api.state == "Started"
            peer, _ = await scene.invoked()
            assert (await peer.ask(ping)).body == b"pong"
            assert scene.api.state == "Running"

            reply = await peer.ask(ping.replace(b"GET", b"POST"))
            assert (reply.status, reply.headers["allow"]) == (405, "GET")
            assert (await peer.ask(ping.replace(b"ping", b"ping/"))).status == 404

    run(main())


@pytest.mark.parametrize("qualifier", ["live", "7", "$LATEST"])
def test_the_qualifier_that_the_caller_gave_stands_in_the_arn(qualifier: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            scene.api.invoke(Invocation(b"{}", qualifier=qualifier))

            arn = f"arn:aws:lambda:us-east-1:123456789012:function:hello:{qualifier}"
            assert (await peer.ask(NEXT)).headers["lambda-runtime-invoked-function-arn"] == arn

    run(main())


def test_another_version_of_the_api_is_not_found() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()

            assert (await peer.ask(NEXT.replace(b"2018", b"2019"))).status == 404

    run(main())


def test_a_query_is_ignored() -> None:
    async def main() -> None:
        async with Scene() as scene:
            invocation, peer = Invocation(b"{}"), await scene.connect()
            scene.api.invoke(invocation)

            assert (await peer.ask(request("GET", "invocation/next?a=b"))).status == 200
            data = request("POST", f"invocation/{invocation.request_id}/response?a=b", body=b"")
            assert (await peer.ask(data)).status == 202

    run(main())


# --- request ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["response", "error"])
@pytest.mark.parametrize("other", [lambda _: "other", lambda _: "", lambda own: own.replace("-", "%2D"), str.upper])
def test_an_id_that_is_not_the_invocations_is_refused(call: str, other: object) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked(Invocation(b"{}", request_id="abc-def"))
            assert callable(other)

            reply = await peer.ask(post(other("abc-def"), call))
            expected = b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n'
            assert (reply.status, reply.body) == (400, expected)
            assert not invocation.channel.ended
            assert scene.api.state == "Running"

    run(main())


@pytest.mark.parametrize("call", ["response", "error"])
def test_a_runtime_may_name_the_attempt_that_it_answers(call: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            request_id = invocation.request_id

            reply = await peer.ask(post(request_id, call, "Lambda-Runtime-Invocation-Id: of-another-attempt"))
            assert (reply.status, reply.body) == (
                410,
                b'{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n',
            )
            assert not invocation.channel.ended
            own = f"Lambda-Runtime-Invocation-Id: {invocation.attempt}"
            assert (await peer.ask(post(request_id, call, own))).status == 202

    run(main())


@pytest.mark.parametrize("call", ["response", "error"])
@pytest.mark.parametrize("tells", [True, False])
def test_a_post_after_the_timeout_is_refused_as_late(call: str, *, tells: bool) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            scene.api.expire()
            fields = [f"Lambda-Runtime-Invocation-Id: {invocation.attempt}"] if tells else []

            assert (await peer.ask(post(invocation.request_id, call, *fields))).error_type == "InvokeTimeout"
            assert (await peer.ask(post("other", call))).error_type == "InvalidRequestID"
            assert not invocation.channel.ended

    run(main())


def test_the_id_is_checked_before_the_state_and_the_state_before_the_mode() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            other, field = await scene.connect(), "Lambda-Runtime-Function-Response-Mode: no"
            await peer.send(response(invocation.request_id))
            await invocation.channel.wait_for_start()

            assert (await other.ask(post("other", "response", field))).error_type == "InvalidRequestID"
            reply = await other.ask(post(invocation.request_id, "response", field))
            assert reply.error_type == "InvalidStateTransition"

    run(main())


@pytest.mark.parametrize("call", ["response", "error"])
def test_an_answer_while_another_connection_still_answers_changes_nothing(call: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"one, "))
            await invocation.channel.wait_for_start()
            other = await scene.connect()

            assert (await other.ask(post(invocation.request_id, call, body=b"x"))).status == 403
            assert (await peer.ask(chunk(b"two") + END)).status == 202
            assert await read(invocation) == b"one, two"
            assert invocation.channel.error is None

    run(main())


# --- closing ---------------------------------------------------------------------------------------------------------


def test_closing_waits_for_what_the_runtime_has_sent() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"x" * 100_000) + END)
            await peer.close()
            await scene.api.close()

            assert await read(invocation) == b"x" * 100_000

    run(main())


def test_closing_waits_for_a_reader_that_is_slow_and_aborting_does_not() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            sending = asyncio.create_task(peer.send(response(invocation.request_id) + chunk(b"x" * 16 * 1024 * 1024)))
            await invocation.channel.wait_for_start()
            await anext(invocation.channel.pieces())
            closing = asyncio.create_task(scene.api.close())
            await asyncio.wait([sending, closing], timeout=0.05)
            assert not closing.done()
            scene.api.abort()
            await closing
            with pytest.raises(ConnectionError):
                await sending

    run(main())


@pytest.mark.parametrize("sent", [b"", NEXT, NEXT + NEXT, NEXT[:9], response("x"), b"POST"])
def test_closing_does_not_wait_for_a_connection_held_by_another_process(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_TIMEOUT_S", 0.05)

    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(sent)
            await scene.api.close()

            assert await peer.rest() in (b"", b"RST")
            assert "idle" not in scene.happened[1:]

    run(main())


def test_the_number_of_connections_is_limited() -> None:
    async def main() -> None:
        async with Scene() as scene:
            for _ in range(CONNECTION_LIMIT):
                await scene.connect()
            late = await scene.connect()

            assert await late.rest() in (b"", b"RST")
            assert len(scene.warnings) == 1
            assert (await scene.peers[0].ask(request("GET", "nonsense"))).status == 404

    run(main())


# --- web pages -------------------------------------------------------------------------------------------------------


PATH = "/2018-06-01/runtime/invocation/next"


@pytest.mark.parametrize(
    "fields",
    [
        "Host: attacker.example:{port}",
        "Host: attacker.example:{port}\r\nOrigin: http://attacker.example:{port}",
        "Host: 127.0.0.1:{port}\r\nHost: attacker.example",
        "Host: 127.0.0.1:{port}\r\nOrigin: http://attacker.example",
        "Host: 127.0.0.1:{port}\r\nOrigin: null",
    ],
)
def test_a_web_page_gets_no_event_and_changes_nothing(fields: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            page, runtime = await scene.connect(), await scene.connect()
            scene.api.invoke(Invocation(b'"secret"'))
            port = scene.address.partition(":")[2]
            reply = await page.ask(f"GET {PATH} HTTP/1.1\r\n{fields.format(port=port)}\r\n\r\n".encode())

            assert (reply.status, b"secret" in reply.body) == (403, False)
            assert json.loads(reply.body)["errorType"] == "AccessDenied"
            assert scene.warnings[0].startswith(f"GET {PATH} is refused: the ")
            assert scene.api.state == "Started"
            assert (await runtime.ask(NEXT)).body == b'"secret"'

    run(main())


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost", "[::1]:{port}", "lambda.internal:{port}"]
)
def test_a_request_that_names_this_machine_gets_the_event(host: str) -> None:
    async def main() -> None:
        async with Scene(names=("lambda.internal",)) as scene:
            peer = await scene.connect()
            scene.api.invoke(Invocation(b"7"))
            port = scene.address.partition(":")[2]
            reply = await peer.ask(f"GET {PATH} HTTP/1.1\r\nHost: {host.format(port=port)}\r\n\r\n".encode())

            assert reply.body == b"7"

    run(main())


def test_a_runtime_api_that_may_open_no_socket_says_why() -> None:
    async def main() -> None:
        async with Scene() as scene:
            with no_free_file(), pytest.raises(OSError, match="Too many open files"):
                await scene.api.start()

    run(main())
