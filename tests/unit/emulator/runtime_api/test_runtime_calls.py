import asyncio
from base64 import b64encode

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.bandwidth import Bandwidth
from lambda_streamify_emulator.invocations.channel import FunctionError, FunctionFailed
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import LIMITS, UNLIMITED, Limits
from lambda_streamify_emulator.runtime_api import server
from lambda_streamify_emulator.runtime_api.error_reports import INVALID_MODE, TRUNCATED, too_large
from runtime_peer import END, NEXT, Peer, Scene, chunk, post, read, request, response

ERROR_TYPE, ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
REPORT = b'{"errorMessage": "no", "errorType": "ValueError"}'
SMALL = Limits(buffered=1000, streamed=2000, error=1000)


async def failure(invocation: Invocation) -> FunctionError:
    with pytest.raises(FunctionFailed) as raised:
        await invocation.channel.wait_for_start()
    return raised.value.error


async def ended(invocation: Invocation) -> tuple[bytes, FunctionError | None]:
    return await read(invocation), invocation.channel.error


async def goes_on(scene: Scene, peer: Peer) -> bool:
    """Return whether the runtime gets another event."""
    await peer.send(NEXT)
    await scene.idle()
    scene.api.invoke(Invocation(b'"next"'))
    return (await peer.reply()).body == b'"next"'


# --- responses -------------------------------------------------------------------------------------------------------


def test_a_response_arrives_piece_by_piece_while_it_is_sent() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id, "Content-Type: text/event-stream"))
            assert await invocation.channel.wait_for_start() == "text/event-stream"
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


@pytest.mark.parametrize("streamed", [True, False])
def test_a_response_in_one_piece_and_without_a_mode_is_taken_too(*, streamed: bool) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked(Invocation(b"{}", streamed=streamed))

            assert (await peer.ask(post(invocation.request_id, "response", body=b'"hello"'))).status == 202
            assert await invocation.channel.wait_for_start() == "application/octet-stream"
            assert await ended(invocation) == (b'"hello"', None)

    run(main())


@pytest.mark.parametrize("mode", ["streaming", "streaming ", ""])
def test_the_modes_that_are_taken(mode: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            field = f"Lambda-Runtime-Function-Response-Mode: {mode}"

            assert (await peer.ask(post(invocation.request_id, "response", field, body=b"x"))).status == 202

    run(main())


@pytest.mark.parametrize("mode", ["Streaming", "buffered", "bogus"])
def test_another_mode_is_refused_and_ends_the_invocation(mode: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            field = f"Lambda-Runtime-Function-Response-Mode: {mode}"
            reply = await peer.ask(post(invocation.request_id, "response", field, body=b"x"))

            assert (reply.status, reply.body) == (
                400,
                b'{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}\n',
            )
            assert await failure(invocation) == INVALID_MODE
            assert (await peer.ask(NEXT)).status == 403
            (warning,) = scene.warnings
            assert repr(mode) in warning

    run(main())


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [post, response])
@pytest.mark.parametrize(("streamed", "limit"), [(False, 1000), (True, 2000)])
def test_a_response_of_the_largest_size_is_taken(head: object, limit: int, *, streamed: bool) -> None:
    async def main() -> None:
        async with Scene(limits=SMALL) as scene:
            peer, invocation = await scene.invoked(Invocation(b"{}", streamed=streamed))
            body = b"x" * limit
            if head is post:
                data = post(invocation.request_id, "response", body=body)
            else:
                data = response(invocation.request_id) + chunk(body) + END

            assert (await peer.ask(data)).status == 202
            assert await ended(invocation) == (body, None)

    run(main())


@pytest.mark.parametrize("rest", [b"", b"x" * 100_000, b"x" * 3_000_000])
@pytest.mark.parametrize(("streamed", "limit"), [(False, 1000), (True, 2000)])
def test_a_larger_response_is_refused_and_cut_where_it_is_too_large(rest: bytes, limit: int, *, streamed: bool) -> None:
    async def main() -> None:
        async with Scene(limits=SMALL) as scene:
            peer, invocation = await scene.invoked(Invocation(b"{}", streamed=streamed))
            data = response(invocation.request_id) + chunk(b"x" * limit + b"y" + rest) + END
            sending = asyncio.create_task(peer.send(data))  # may fail: the answer comes early
            reply = await peer.reply()
            await asyncio.wait([sending])
            sending.exception()

            message = f'{{"errorMessage":"Exceeded maximum allowed payload size ({limit} bytes).",'
            assert reply.status == 413
            assert reply.body.decode() == message + '"errorType":"RequestEntityTooLarge"}\n'
            assert await ended(invocation) == (b"x" * limit, too_large(limit))
            again = await scene.connect() if reply.headers.get("connection") == "close" else peer
            assert await goes_on(scene, again)

    run(main())


@pytest.mark.parametrize("streamed", [True, False])
def test_a_streamed_response_passes_as_fast_as_it_may_and_holds_its_runtime(*, streamed: bool) -> None:
    never = 1e6  # seconds
    limits = Limits(bandwidth=Bandwidth(burst=100_000, rate=1, interval=never))
    size = 50_000_000  # more than the kernel buffers

    async def main() -> None:
        async with Scene(limits=limits) as scene:
            peer, invocation = await scene.invoked(Invocation(b"{}", streamed=streamed))
            data = response(invocation.request_id) + chunk(b"x" * (size if streamed else 1_000_000)) + END
            sending = asyncio.create_task(peer.send(data))
            if not streamed:
                assert await read(invocation) == b"x" * 1_000_000
                await sending
                return
            found = 0
            async for piece in invocation.channel.pieces():
                found += len(piece)
                if found >= 100_000:
                    break
            assert found == 100_000
            another = asyncio.ensure_future(anext(invocation.channel.pieces()))
            await scene.until(lambda: all(connection.is_held_up for connection in scene.api._connections))  # noqa: SLF001
            assert not another.done()
            assert not sending.done()
            another.cancel()
            scene.api.abort()
            await asyncio.wait([sending])
            sending.exception()

    run(main())


def test_a_response_that_was_held_goes_on_to_its_end() -> None:
    limits = Limits(bandwidth=Bandwidth(burst=1000, rate=100_000_000, interval=0.001))

    async def main() -> None:
        async with Scene(limits=limits) as scene:
            peer, invocation = await scene.invoked()
            body = bytes(range(256)) * 8000
            sending = asyncio.create_task(peer.ask(response(invocation.request_id) + chunk(body) + END))

            assert await read(invocation) == body
            assert (await sending).status == 202

    run(main())


def test_a_response_of_a_runtime_that_is_gone_is_held_and_delivered_all_the_same() -> None:
    limits = Limits(bandwidth=Bandwidth(burst=1000, rate=10_000_000, interval=0.001))

    async def main() -> None:
        async with Scene(limits=limits) as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"x" * 200_000) + END)
            peer.end_sending()
            reading = asyncio.create_task(read(invocation))
            await scene.api.close()

            assert await reading == b"x" * 200_000
            assert invocation.channel.error is None

    run(main())


def test_the_limits_are_lambdas() -> None:
    assert Limits(6291556, 209715200, 6291556, 6291456, Bandwidth(6291456, 2097152, 0.125), memory=True) == LIMITS
    assert Limits(None, None, 6291556, None, None, memory=False) == UNLIMITED


@pytest.mark.parametrize("rest", [b"", b"x" * 3_000_000])
def test_the_report_of_an_error_that_is_too_large_is_refused(rest: bytes) -> None:
    async def main() -> None:
        async with Scene(limits=SMALL) as scene:
            peer, invocation = await scene.invoked()
            sending = asyncio.create_task(peer.send(post(invocation.request_id, "error", body=b"x" * 1001 + rest)))
            assert (await peer.reply()).error_type == "RequestEntityTooLarge"
            await asyncio.wait([sending])
            sending.exception()

            assert await failure(invocation) == too_large(1000)
            assert await goes_on(scene, await scene.connect())

    run(main())


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_is_the_invocations_end() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            cause = "Lambda-Runtime-Function-XRay-Error-Cause: {}"
            data = post(invocation.request_id, "error", f"{ERROR_TYPE}: Function.ValueError", cause, body=REPORT)

            assert (await peer.ask(data)).status == 202
            assert await failure(invocation) == FunctionError("Function.ValueError", REPORT)
            assert await goes_on(scene, peer)

    run(main())


def test_an_error_with_x_rays_cause_inside_is_passed_on_without_it() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            kind = "Content-Type: application/vnd.aws.lambda.error.cause+json"
            body = b'{"errorMessage": "m", "errorType": "T", "errorCause": {"paths": []}}'

            assert (await peer.ask(post(invocation.request_id, "error", kind, body=body))).status == 202
            assert (await failure(invocation)).details == b'{"errorMessage":"m","errorType":"T"}'

    run(main())


@pytest.mark.parametrize(("path", "before"), [("init/error", b""), ("restore/error", request("GET", "restore/next"))])
def test_an_error_of_the_start_is_kept_for_the_process_end(path: str, before: bytes) -> None:
    async def main() -> None:
        async with Scene(snapstart=True) as scene:
            peer, invocation = await scene.connect(), Invocation(b"{}")
            scene.api.invoke(invocation)
            if before:
                reply = await peer.ask(before)
                assert (reply.status, reply.body) == (200, b"")

            reply = await peer.ask(request("POST", path, f"{ERROR_TYPE}: Runtime.Broken", body=REPORT))
            assert reply.status == 202
            assert scene.api.start_error == FunctionError("Runtime.Broken", REPORT)
            assert not invocation.channel.ended
            assert scene.happened == ["failed"]

    run(main())


# --- errors in trailers ----------------------------------------------------------------------------------------------


async def trailed(declared: tuple[str, ...], *trailers: str) -> tuple[FunctionError | None, list[str]]:
    """Return the error of a response with these trailers, and the warnings."""
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
def test_declared_trailers_are_the_error(declared: tuple[str, ...]) -> None:
    found = run(trailed(declared, f"{ERROR_TYPE}: Function.ValueError", f"{ERROR_BODY}: {ENCODED}"))

    assert found == (FunctionError("Function.ValueError", REPORT), [])


def test_trailers_that_no_header_announced_are_dropped_with_a_warning() -> None:
    names = ERROR_BODY.lower(), ERROR_TYPE.lower()
    warnings = [f"Lambda drops the trailer {name}: no Trailer header lists it" for name in names]
    trailers = f"{ERROR_TYPE}: Function.ValueError", f"{ERROR_BODY}: {ENCODED}"

    assert run(trailed((), *trailers)) == (None, warnings)
    assert run(trailed((f"Trailer: {ERROR_BODY}",), *trailers)) == (None, warnings[1:])


# --- requests that end too early -------------------------------------------------------------------------------------

CUT_OFF = "the response was cut off: it ended without its last chunk, or before its length"


@pytest.fixture
def _reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that cut its response off never ends here, and need not be waited for."""
    monkeypatch.setattr(server, "TRUNCATION_DELAY_S", 0.01)


@pytest.mark.usefixtures("_reported_at_once")
@pytest.mark.parametrize(
    "beginning",
    [
        lambda request_id: response(request_id) + chunk(b"half"),
        lambda request_id: response(request_id) + b"9\r\nhalf",
        lambda request_id: post(request_id, "response", body=b"half").replace(b"Length: 4", b"Length: 9"),
    ],
)
def test_a_truncated_response_is_answered_if_the_runtime_still_reads(beginning: object) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            assert callable(beginning)
            await peer.send(beginning(invocation.request_id))
            peer.end_sending()

            reply = await peer.reply()
            assert (reply.status, reply.body) == (
                400,
                b'{"errorMessage":"HTTP request detected as truncated","errorType":"TruncatedHTTPRequest"}\n',
            )
            assert await peer.rest() == b""
            assert await ended(invocation) == (b"half", TRUNCATED)
            assert scene.warnings == [CUT_OFF]
            assert await goes_on(scene, await scene.connect())

    run(main())


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset])
def test_a_runtime_that_hangs_up_within_its_response_may_go_on(leave: object) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"half"))
            assert await anext(invocation.channel.pieces()) == b"half"
            if leave is Peer.close:
                await peer.close()
            else:
                peer.reset()
            await scene.until(lambda: scene.api.state == "RuntimeResponseSentState")

            assert await goes_on(scene, await scene.connect())
            assert invocation.channel.error == TRUNCATED

    run(main())


@pytest.mark.usefixtures("_reported_at_once")
def test_a_broken_chunk_cuts_a_response_off() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"half") + b"no chunk\r\n")

            assert (await peer.reply()).error_type == "TruncatedHTTPRequest"
            assert await ended(invocation) == (b"half", TRUNCATED)
            assert [warning.partition(":")[0] for warning in scene.warnings] == [
                "a request to the Runtime API is not valid HTTP/1.1",
                CUT_OFF.partition(":")[0],
            ]

    run(main())


@pytest.mark.usefixtures("_reported_at_once")
def test_trailers_that_are_too_long_reset_the_connection_and_cut_the_response_off() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            data = response(invocation.request_id, BOTH) + chunk(b"half") + chunk(b"") + b"X: " + b"x" * 4100 + b"\r\n"
            await peer.send(data + b"\r\n")

            assert await peer.rest() in (b"RST", b"")
            assert await ended(invocation) == (b"half", TRUNCATED)

    run(main())


def test_a_truncation_is_not_reported_if_the_end_of_the_process_may_explain_it() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"half"))
            await peer.close()
            await scene.api.close()

            assert not invocation.channel.ended

    run(main())


def test_a_report_that_is_cut_off_is_an_error_without_a_report() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            fields = f"{ERROR_TYPE}: Function.Error", "Content-Length: 9"
            await peer.send(request("POST", f"invocation/{invocation.request_id}/error", *fields) + b"half")
            peer.end_sending()

            assert (await peer.reply()).status == 202
            assert await failure(invocation) == FunctionError("Function.Error", b"")

    run(main())


@pytest.mark.parametrize(
    ("limits", "request_id", "error"),
    [(LIMITS, "other", "InvalidRequestID"), (Limits(streamed=3), None, "RequestEntityTooLarge")],
)
@pytest.mark.parametrize("rest", [b"", b"no chunk\r\n"])
def test_a_refusal_is_sent_even_if_the_request_is_truncated(
    limits: Limits, request_id: str | None, error: str, rest: bytes
) -> None:
    async def main() -> None:
        async with Scene(limits=limits) as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(request_id or invocation.request_id) + chunk(b"half") + rest)
            peer.end_sending()

            assert (await peer.reply()).error_type == error
            assert await peer.rest() == b""
            assert CUT_OFF not in scene.warnings

    run(main())


@pytest.mark.parametrize("data", [NEXT[:20], NEXT[:-2], b""])
def test_a_truncated_request_without_effect_is_ignored(data: bytes) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            other = await scene.connect()
            await other.send(data)
            other.end_sending()

            assert await other.rest() == b""
            assert scene.warnings == []
            assert (await peer.ask(post(invocation.request_id, "response"))).status == 202

    run(main())


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_response_that_was_under_way_when_its_time_was_over_is_delivered_but_not_ended() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id) + chunk(b"so far"))
            pieces = invocation.channel.pieces()
            assert await anext(pieces) == b"so far"
            scene.api.expire()
            await peer.send(chunk(b"late"))
            assert await anext(pieces) == b"late"
            await peer.close()
            await scene.api.close()

            assert not invocation.channel.ended
            assert scene.warnings == []

    run(main())
