import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection

import pytest

from asynchronous import run
from lambda_streamify_emulator.channel import LIMIT, FunctionError, FunctionFailed
from lambda_streamify_emulator.invocation import Invocation
from lambda_streamify_emulator.runtime_api import ERROR_BODY_LIMIT, TRANSITIONS, RuntimeApi, error_type
from lambda_streamify_emulator.runtime_connection import RuntimeConnection
from runtime_peer import END, FUNCTION, NEXT, Scene, chunk, request, response

ERROR_TYPE, ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
REPORT = b'{"errorMessage": "no", "errorType": "ValueError"}'


def post(request_id: str, call: str, *fields: str, body: bytes = b"") -> bytes:
    return request("POST", f"invocation/{request_id}/{call}", *fields, body=body)


async def read(invocation: Invocation) -> bytes:
    return b"".join([piece async for piece in invocation.channel.pieces()])


# --- the calls -------------------------------------------------------------------------------------------------------


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
                "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:123456789012:function:hello",
                "lambda-runtime-trace-id": invocation.trace_id,
            }
            assert scene.happened == ["handed over"]

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


def test_a_response_arrives_piece_by_piece_while_it_is_sent() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id, "Content-Type: text/event-stream"))
            assert await invocation.channel.started() == "text/event-stream"
            pieces = invocation.channel.pieces()
            for number in range(10):
                await peer.send(chunk(b"%d" % number))
                assert await anext(pieces) == b"%d" % number
            assert not invocation.channel.ended

            reply = await peer.ask(END)
            assert (reply.status, reply.body) == (202, b'{"status":"OK"}\n')
            assert invocation.channel.ended
            assert invocation.channel.error is None

    run(main())


def test_a_response_of_known_length_and_without_the_streaming_mode_is_taken_too() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()

            assert (await peer.ask(post(invocation.request_id, "response", body=b'"hello"'))).status == 202
            assert await invocation.channel.started() == "application/octet-stream"
            assert await read(invocation) == b'"hello"'

    run(main())


def test_an_error_is_the_invocations_end() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            data = post(invocation.request_id, "error", f"{ERROR_TYPE}: Function.ValueError", body=REPORT)

            assert (await peer.ask(data)).status == 202
            with pytest.raises(FunctionFailed) as raised:
                await invocation.channel.started()
            assert raised.value.error == FunctionError("Function.ValueError", REPORT)

    run(main())


def test_an_error_of_init_is_kept_for_the_process_end() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.connect(), Invocation(b"{}")
            scene.api.invoke(invocation)

            assert (await peer.ask(request("POST", "init/error", body=REPORT))).status == 202
            assert scene.api.init_error == FunctionError("Unhandled", REPORT)
            assert not invocation.channel.ended

    run(main())


def test_an_error_that_is_too_long_is_cut_where_it_is() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            body = b"x" * (ERROR_BODY_LIMIT - 1) + b"y" * 1_000_000

            assert (await peer.ask(post(invocation.request_id, "error", body=body))).status == 202
            assert invocation.channel.error is not None
            assert invocation.channel.error.details == b"x" * (ERROR_BODY_LIMIT - 1) + b"y"

    run(main())


def test_one_connection_serves_one_invocation_after_the_other() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            for number in range(3):
                assert (await peer.ask(response(invocation.request_id) + chunk(b"x") + END)).status == 202
                await peer.send(NEXT)
                await scene.idle(number + 1)
                invocation = Invocation(b"%d" % number)
                scene.api.invoke(invocation)
                assert (await peer.reply()).body == b"%d" % number

            assert scene.happened == ["handed over", *["idle", "handed over"] * 3]

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

            assert [status for status, _ in replies] == [200, 202, 400]
            assert await read(invocation) == b"abc"

    run(main())


# --- errors in trailers ----------------------------------------------------------------------------------------------


async def trailed(declared: tuple[str, ...], *trailers: str) -> tuple[FunctionError | None, list[str]]:
    """What the emulator makes of a response with these trailers, and its warnings."""
    async with Scene() as scene:
        peer, invocation = await scene.invoked()
        lines = "".join(f"{trailer}\r\n" for trailer in trailers).encode()
        data = response(invocation.request_id, *declared) + chunk(b"body") + chunk(b"") + lines + b"\r\n"
        assert (await peer.ask(data)).status == 202
        assert await read(invocation) == b"body"
        assert invocation.channel.ended
        return invocation.channel.error, scene.warnings


BOTH = f"Trailer: {ERROR_TYPE}, {ERROR_BODY}"
ENCODED = b64encode(REPORT).decode()


@pytest.mark.parametrize(
    "declared",
    [(BOTH,), (BOTH.lower(),), (f"Trailer: {ERROR_TYPE}", f"Trailer: {ERROR_BODY}"), (BOTH.replace(", ", ",  "),)],
)
def test_declared_trailers_are_the_error_with_its_report_decoded(declared: tuple[str, ...]) -> None:
    found = run(trailed(declared, f"{ERROR_TYPE}: Function.ValueError", f"{ERROR_BODY}: {ENCODED}"))

    assert found == (FunctionError("Function.ValueError", REPORT), [])


@pytest.mark.parametrize("body", ["no base64!", ENCODED[:-1], "ü"])
def test_a_report_that_is_not_base64_is_empty(body: str) -> None:
    found = run(trailed((BOTH,), f"{ERROR_TYPE}: Function.ValueError", f"{ERROR_BODY}: {body}"))

    assert found == (FunctionError("Function.ValueError", b""), [])


def test_a_type_without_report_is_an_error_and_a_report_without_type_is_none() -> None:
    assert run(trailed((BOTH,), f"{ERROR_TYPE}: Function.A")) == (FunctionError("Function.Unknown", b""), [])
    assert run(trailed((BOTH,), f"{ERROR_BODY}: {ENCODED}")) == (None, [])
    assert run(trailed((BOTH,))) == (None, [])


def test_trailers_that_no_header_announced_are_dropped_with_a_warning() -> None:
    name = ERROR_TYPE.lower()
    warning = f"Lambda drops the trailer {name}: no Trailer header announced it"

    assert run(trailed((), f"{ERROR_TYPE}: Function.ValueError")) == (None, [warning])
    assert run(trailed((f"Trailer: {ERROR_BODY}",), f"{ERROR_TYPE}: Function.ValueError")) == (None, [warning])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "Unhandled"),
        ("Function.ValueError", "Function.ValueError"),
        ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
        ("Runtime.StreamError.ValueError", "Runtime.StreamError.ValueError"),
        ("my.Function.Error", "my.Function.Error"),  # Lambda's pattern is not anchored
        ("Function.my_error", "Function.Unknown"),
        ("Function.", "Function.Unknown"),
        ("ValueError", "Runtime.Unknown"),
        ("unhandled", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ],
)
def test_error_types_are_normalised_as_lambda_does_it(name: str | None, expected: str) -> None:
    assert error_type(name) == expected


# --- the order of calls ----------------------------------------------------------------------------------------------


async def starting(_: Scene) -> str:
    return "none"


async def starting_with_an_event(scene: Scene) -> str:
    invocation = Invocation(b"{}")
    scene.api.invoke(invocation)
    return invocation.request_id


async def failed_in_init(scene: Scene) -> str:
    request_id = await starting_with_an_event(scene)
    await (await scene.connect()).ask(request("POST", "init/error", body=REPORT))
    return request_id


async def ready(scene: Scene) -> str:
    await (await scene.connect()).send(NEXT)
    await scene.idle()
    return "none"


async def invoked(scene: Scene) -> str:
    return (await scene.invoked())[1].request_id


async def responding(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.send(response(invocation.request_id) + chunk(b"half"))
    await invocation.channel.started()
    return invocation.request_id


async def responded(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.ask(response(invocation.request_id) + END)
    return invocation.request_id


async def errored(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.ask(post(invocation.request_id, "error", body=REPORT))
    return invocation.request_id


Situation = Callable[[Scene], Awaitable[str]]
WRONG_STATE, WRONG_ID = (403, "InvalidStateTransition"), (400, "InvalidRequestID")
ACCEPTED, HELD = (202, ""), (0, "")
SITUATIONS: list[tuple[Situation, str, dict[str, tuple[int, str]]]] = [
    (
        starting,
        "Starting",
        {"next": HELD, "init/error": ACCEPTED, "response": WRONG_ID, "error": WRONG_ID},
    ),
    (
        starting_with_an_event,
        "Starting",
        {"next": (200, ""), "init/error": ACCEPTED, "response": WRONG_STATE, "error": WRONG_STATE},
    ),
    (failed_in_init, "InitError", dict.fromkeys(("next", "init/error", "response", "error"), WRONG_STATE)),
    (
        ready,
        "Ready",
        {"next": WRONG_STATE, "init/error": WRONG_STATE, "response": WRONG_ID, "error": WRONG_ID},
    ),
    (
        invoked,
        "Invoked",
        {"next": WRONG_STATE, "init/error": WRONG_STATE, "response": ACCEPTED, "error": ACCEPTED},
    ),
    (responding, "Responding", dict.fromkeys(("next", "init/error", "response", "error"), WRONG_STATE)),
    (
        responded,
        "Responded",
        {"next": HELD, "init/error": WRONG_STATE, "response": WRONG_ID, "error": WRONG_ID},
    ),
    (
        errored,
        "Responded",
        {"next": HELD, "init/error": WRONG_STATE, "response": WRONG_ID, "error": WRONG_ID},
    ),
]


def test_the_situations_cover_every_state() -> None:
    assert {state for _, state, _ in SITUATIONS} == set(TRANSITIONS)
    assert {call for row in TRANSITIONS.values() for call in row} == {"next", "init/error", "response", "error"}


@pytest.mark.parametrize("call", ["next", "init/error", "response", "error"])
@pytest.mark.parametrize(("situation", "state", "expected"), SITUATIONS)
def test_each_call_is_taken_in_its_states_only(
    situation: Situation, state: str, expected: dict[str, tuple[int, str]], call: str
) -> None:
    async def main() -> None:
        async with Scene() as scene:
            request_id = await situation(scene)
            assert scene.api.state == state
            data = {
                "next": NEXT,
                "init/error": request("POST", "init/error", body=REPORT),
                "response": post(request_id, "response", body=b"x"),
                "error": post(request_id, "error", body=REPORT),
            }[call]
            peer = await scene.connect()
            await peer.send(data)
            if expected[call] == HELD:
                await scene.idle()
                assert scene.api.state == "Ready"
                return
            reply = await peer.reply()
            assert (reply.status, reply.error_type if reply.status >= 400 else "") == expected[call]
            if reply.status >= 400:
                assert scene.api.state == state

    run(main())


def test_what_a_refusal_says() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            replies = [
                await peer.ask(data)
                for data in (
                    request("GET", "nonsense"),
                    request("POST", "invocation/x/response", body=b""),
                    request("POST", "init/error", body=REPORT),
                    NEXT,
                )
            ]

            assert [
                (reply.status, json.loads(reply.body)["errorMessage"]) for reply in replies if reply.status > 202
            ] == [
                (404, "GET /2018-06-01/runtime/nonsense is no call of the Runtime API"),
                (400, "Invalid request ID"),
                (403, "State transition from InitError to next failed for runtime. Error: not allowed"),
            ]

    run(main())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "invocation/next"),
        ("GET", "init/error"),
        ("GET", "invocation/{id}/response"),
        ("POST", "invocation/{id}/next"),
        ("POST", "invocation/{id}/init/error"),
        ("POST", "invocation/{id}/other"),
        ("POST", "response"),
        ("DELETE", "invocation/{id}/response"),
        ("GET", ""),
        ("GET", "invocation/next/"),
    ],
)
def test_what_is_no_call_is_not_found_whatever_the_state(method: str, path: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()

            reply = await peer.ask(request(method, path.format(id=invocation.request_id), body=b""))
            assert (reply.status, reply.error_type) == (404, "NotFound")
            assert scene.api.state == "Invoked"

    run(main())


def test_another_version_of_the_api_is_not_found() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()

            assert (await peer.ask(NEXT.replace(b"2018", b"2019"))).status == 404

    run(main())


@pytest.mark.parametrize("mode", ["Streaming", "buffered", "streaming "])
def test_a_mode_is_compared_as_it_stands(mode: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            field = f"Lambda-Runtime-Function-Response-Mode: {mode}"
            reply = await peer.ask(post(invocation.request_id, "response", field, body=b"x"))

            if mode.strip() == "streaming":  # HTTP takes the space away
                assert reply.status == 202
            else:
                assert (reply.status, reply.error_type) == (400, "InvalidFunctionResponseMode")
                assert (await peer.ask(post(invocation.request_id, "response", body=b"x"))).status == 202

    run(main())


def test_the_id_is_checked_before_the_mode_and_the_mode_before_the_state() -> None:
    async def main() -> None:
        async with Scene() as scene:
            request_id = await responding(scene)
            peer, field = await scene.connect(), "Lambda-Runtime-Function-Response-Mode: no"

            assert (await peer.ask(post("other", "response", field))).error_type == "InvalidRequestID"
            assert (await peer.ask(post(request_id, "response", field))).error_type == "InvalidFunctionResponseMode"
            assert (await peer.ask(post(request_id, "response"))).error_type == "InvalidStateTransition"

    run(main())


def test_the_body_of_a_refused_call_is_read_and_thrown_away() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()

            assert (await peer.ask(response("other") + chunk(b"x" * 1_000_000) + END)).status == 400
            assert (await peer.ask(response(invocation.request_id) + END)).status == 202
            assert await read(invocation) == b""

    run(main())


# --- connections -----------------------------------------------------------------------------------------------------


def test_an_event_is_not_given_to_a_connection_that_is_gone() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(NEXT)
            await scene.idle()
            await peer.close()
            await scene.api._all_closed.wait()  # noqa: SLF001 - nothing else tells that the end has been seen
            scene.api.invoke(Invocation(b"{}"))

            assert scene.happened == ["idle"]
            assert scene.api.state == "Ready"

    run(main())


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
            await invocation.channel.started()
            await anext(invocation.channel.pieces())
            closing = asyncio.create_task(scene.api.close())
            await asyncio.wait([sending, closing], timeout=0.05)
            assert not closing.done()
            scene.api.abort()
            await closing
            with pytest.raises(ConnectionError):
                await sending

    run(main())


class Transport(asyncio.Transport):
    """Says whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


def test_the_socket_is_not_read_while_the_channel_is_full() -> None:
    async def main() -> None:
        api = RuntimeApi(FUNCTION, lambda: None, lambda: None, lambda _: None)
        transport, connection, invocation = Transport(), RuntimeConnection(api), Invocation(b"{}")
        connection.connection_made(transport)
        api.invoke(invocation)
        connection.data_received(NEXT)
        connection.data_received(response(invocation.request_id))

        connection.data_received(chunk(b"x" * (LIMIT - 1)))
        assert transport.reading
        connection.data_received(chunk(b"x"))
        assert not transport.reading
        pieces = invocation.channel.pieces()
        await anext(pieces)
        assert transport.reading
        connection.data_received(chunk(b"x" * LIMIT))
        assert not transport.reading
        invocation.channel.discard()
        assert transport.reading

    run(main())
