"""The Runtime API of a runtime with several workers, each of which has a connection of its own here."""

import asyncio
import base64
import json

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import Limits
from lambda_streamify_emulator.runtime_api import concurrent as module
from runtime_peer import END, NEXT, Peer, Reply, Scene, chunk, post, read, request, response

ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


async def working(scene: Scene, number: int) -> list[tuple[Peer, Invocation]]:
    """Return workers, each with the invocation that it was given."""
    found = []
    for index in range(number):
        peer, invocation = await scene.connect(), Invocation(str(index).encode())
        scene.api.invoke(invocation)
        assert (await peer.ask(NEXT)).headers["lambda-runtime-aws-request-id"] == invocation.request_id
        found.append((peer, invocation))
    return found


async def waiting(scene: Scene, number: int = 1) -> list[Peer]:
    """Return workers that wait in /next."""
    before = len(scene.api._waiting)  # noqa: SLF001 - the API tells nobody
    peers = [await scene.connect() for _ in range(number)]
    for peer in peers:
        await peer.send(NEXT)
    await scene.until(lambda: len(scene.api._waiting) == before + number)  # noqa: SLF001
    return peers


def trailed(request_id: str, error_type: str) -> bytes:
    """Return a streamed response that ends with an error in its trailers."""
    body = base64.b64encode(b'{"errorType": "E"}').decode()
    return (
        response(request_id, f"Trailer: {ERROR_TYPE}, Lambda-Runtime-Function-Error-Body")
        + chunk(b"a")
        + chunk(b"")
        + f"{ERROR_TYPE}: {error_type}\r\nLambda-Runtime-Function-Error-Body: {body}\r\n\r\n".encode()
    )


# --- events ----------------------------------------------------------------------------------------------------------


def test_workers_that_wait_at_the_same_time_get_one_event_each_in_their_order() -> None:
    async def main() -> None:
        async with Scene(capacity=3) as scene:
            peers = await waiting(scene, 3)
            for event in (b"1", b"2", b"3"):
                scene.api.invoke(Invocation(event))

            assert [(await peer.reply()).body for peer in peers] == [b"1", b"2", b"3"]
            assert scene.happened == ["idle", *["handed over"] * 3]

    run(main())


def test_events_wait_for_workers_in_their_order() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            for event in (b"1", b"2"):
                scene.api.invoke(Invocation(event))

            assert [(await (await scene.connect()).ask(NEXT)).body for _ in range(2)] == [b"1", b"2"]

    run(main())


def test_another_worker_than_the_capacity_allows_is_refused_while_the_others_wait() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            await waiting(scene, 2)
            reply = await (await scene.connect()).ask(NEXT)

            assert (reply.status, reply.error_type) == (500, "InternalServerError")

    run(main())


def test_each_event_has_its_own_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            found = []
            for now in (1000.0, 1001.5):
                monkeypatch.setattr(f"{module.__name__}.time.time", lambda now=now: now)
                scene.api.invoke(Invocation(b"1"))
                reply = await (await scene.connect()).ask(NEXT)
                found.append(reply.headers["lambda-runtime-deadline-ms"])

            assert found == ["1003000", "1004500"]

    run(main())


# --- answers ---------------------------------------------------------------------------------------------------------


def test_streams_that_are_written_in_turns_stay_apart() -> None:
    async def main() -> None:
        async with Scene(capacity=3) as scene:
            workers = await working(scene, 3)
            for peer, invocation in workers:
                await peer.send(response(invocation.request_id))
            for step in range(3):
                for index, (peer, _) in enumerate(workers):
                    await peer.send(chunk(f"{index}{step} ".encode()))
            for peer, _ in reversed(workers):
                assert (await peer.ask(END)).status == 202

            assert [await read(invocation) for _, invocation in workers] == [
                b"00 01 02 ",
                b"10 11 12 ",
                b"20 21 22 ",
            ]

    run(main())


def test_an_invocation_is_over_with_its_answer_while_the_others_run() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer, first), (_, second) = await working(scene, 2)
            await peer.ask(post(first.request_id, "response", body=b"done"))

            assert scene.happened == ["idle", "handed over", "handed over", "idle"]
            assert (first.channel.ended, second.channel.ended) == (True, False)
            assert (await peer.ask(post(first.request_id, "response", body=b"again"))).error_type == "InvalidRequestID"

    run(main())


def test_any_connection_may_answer_any_invocation() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (one, first), (other, second) = await working(scene, 2)
            await other.ask(post(first.request_id, "response", body=b"1"))
            await one.ask(post(second.request_id, "response", body=b"2"))

            assert [await read(first), await read(second)] == [b"1", b"2"]

    run(main())


def test_a_second_response_to_an_invocation_is_refused() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.send(response(invocation.request_id) + chunk(b"first"))
            await invocation.channel.wait_for_start()
            reply = await (await scene.connect()).ask(post(invocation.request_id, "response", body=b"second"))
            await peer.ask(END)

            assert reply.error_type == "InvalidRequestID"
            assert await read(invocation) == b"first"

    run(main())


def test_an_error_ends_a_response_in_progress() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.send(response(invocation.request_id) + chunk(b"first"))
            await invocation.channel.wait_for_start()
            field = f"{ERROR_TYPE}: Function.Failed"
            reply = await (await scene.connect()).ask(post(invocation.request_id, "error", field, body=b"{}"))

            assert reply.status == 202
            assert await read(invocation) == b"first"
            assert invocation.channel.error == FunctionError("Function.Failed", b"{}")
            assert (await peer.reply()).status == 500
            assert await peer.rest() == b""

    run(main())


def test_an_unknown_response_mode_fails_its_invocation_alone() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer, first), (other, second) = await working(scene, 2)
            mode = "Lambda-Runtime-Function-Response-Mode: Streaming"
            refused = await peer.ask(post(first.request_id, "response", mode, body=b"1"))
            await other.ask(post(second.request_id, "response", body=b"2"))

            assert refused.error_type == "InvalidFunctionResponseMode"
            assert first.channel.error == FunctionError("Runtime.InvalidResponseModeHeader", b"")
            assert await read(second) == b"2"
            scene.api.invoke(Invocation(b"next"))
            assert (await peer.ask(NEXT)).body == b"next"

    run(main())


def test_a_response_that_is_too_large_fails_its_invocation_alone() -> None:
    async def main() -> None:
        async with Scene(capacity=2, limits=Limits(buffered=4)) as scene:
            peer, invocation = await scene.connect(), Invocation(b"1", streamed=False)
            scene.api.invoke(invocation)
            await peer.ask(NEXT)
            reply = await peer.ask(post(invocation.request_id, "response", body=b"12345"))

            assert reply.status == 413
            assert invocation.channel.error is not None
            assert invocation.channel.error.error_type == "Function.ResponseSizeTooLarge"
            scene.api.invoke(Invocation(b"next"))
            assert (await peer.ask(NEXT)).body == b"next"

    run(main())


@pytest.mark.parametrize(
    ("sent", "reported"),
    [
        ("ValueError", "Runtime.Unknown"),
        ("Function.ValueError", "Function.ValueError"),
        ("Function.value_error", "Function.Unknown"),
        ("Runtime.Failed2", "Runtime.Unknown"),
        ("My.Runtime.Failed", "Runtime.Unknown"),
    ],
)
def test_the_error_type_has_to_have_the_known_form(sent: str, reported: str) -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer, first), (other, second) = await working(scene, 2)
            await peer.ask(trailed(first.request_id, sent))
            await other.ask(post(second.request_id, "error", f"{ERROR_TYPE}: {sent}", body=b"{}"))

            assert first.channel.error == FunctionError(reported, b'{"errorType": "E"}')
            assert second.channel.error == FunctionError(reported, b"{}")

    run(main())


def test_an_error_without_a_type_is_unknown() -> None:
    async def main() -> None:
        async with Scene(capacity=1) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.ask(post(invocation.request_id, "error", body=b"{}"))

            assert invocation.channel.error == FunctionError("Runtime.Unknown", b"{}")

    run(main())


# --- workers that are away -------------------------------------------------------------------------------------------


def test_an_invocation_times_out_alone_and_its_late_answer_is_refused_once() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer, first), (other, second) = await working(scene, 2)
            scene.concurrent_api.time_out(first)
            assert scene.concurrent_api.away == 1
            late = post(first.request_id, "response", body=b"late")
            replies = [await peer.ask(late), await peer.ask(late)]

            assert [(reply.status, reply.error_type) for reply in replies] == [
                (410, "InvokeTimeout"),
                (400, "InvalidRequestID"),
            ]
            assert scene.concurrent_api.away == 0
            assert (await other.ask(post(second.request_id, "response", body=b"2"))).status == 202
            assert await read(second) == b"2"

    run(main())


def test_a_response_in_progress_that_times_out_is_answered_at_once() -> None:
    async def main() -> None:
        async with Scene(capacity=1) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.send(response(invocation.request_id) + chunk(b"first"))
            await invocation.channel.wait_for_start()
            scene.concurrent_api.time_out(invocation)

            assert (await peer.reply()).error_type == "InvokeTimeout"
            assert await peer.rest() == b""

    run(main())


def test_a_worker_that_asks_for_an_event_is_no_longer_away() -> None:
    async def main() -> None:
        async with Scene(capacity=1) as scene:
            ((peer, invocation),) = await working(scene, 1)
            scene.concurrent_api.time_out(invocation)
            before = scene.happened.count("idle")
            await peer.send(NEXT)
            await scene.idle(before + 1)

            assert scene.concurrent_api.away == 0

    run(main())


def test_a_worker_whose_connection_closes_is_away_until_it_comes_back() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            peer, _ = await waiting(scene, 2)
            peer.reset()
            await scene.until(lambda: scene.concurrent_api.away == 1)
            for _ in range(2):
                scene.api.invoke(Invocation(b"1"))
            assert scene.happened.count("handed over") == 1
            other = await scene.connect()

            assert (await other.ask(NEXT)).status == 200
            assert scene.concurrent_api.away == 0

    run(main())


def test_a_response_that_is_cut_off_fails_its_invocation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRUNCATION_DELAY_S", 0.01)

    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer, first), (other, second) = await working(scene, 2)
            await peer.send(response(first.request_id) + chunk(b"half"))
            await first.channel.wait_for_start()
            peer.reset()

            assert await read(first) == b"half"
            assert first.channel.error == FunctionError("Runtime.TruncatedResponse", b"")
            assert scene.concurrent_api.away == 1
            assert scene.warnings == ["the response was cut off: it ended without its last chunk, or before its length"]
            assert (await other.ask(post(second.request_id, "response", body=b"2"))).status == 202

    run(main())


def test_a_worker_that_is_back_before_its_cut_off_response_is_reported_is_not_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TRUNCATION_DELAY_S", 0.2)

    async def main() -> None:
        async with Scene(capacity=1) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.send(response(invocation.request_id) + chunk(b"half"))
            await invocation.channel.wait_for_start()
            peer.reset()
            await scene.until(lambda: scene.warnings != [])
            await waiting(scene)

            assert await read(invocation) == b"half"
            assert invocation.channel.error == FunctionError("Runtime.TruncatedResponse", b"")
            assert scene.concurrent_api.away == 0

    run(main())


def test_a_worker_that_asks_for_further_events_while_it_works_is_not_away_when_one_times_out() -> None:
    async def main() -> None:
        async with Scene(capacity=1) as scene:
            ((peer, invocation),) = await working(scene, 1)
            await peer.send(NEXT)  # AWS's client for Node.js does so
            await scene.until(lambda: len(scene.api._waiting) == 1)  # noqa: SLF001 - the API tells nobody
            scene.concurrent_api.time_out(invocation)

            assert scene.concurrent_api.away == 0

    run(main())


# --- init ------------------------------------------------------------------------------------------------------------


async def init_error(scene: Scene) -> Reply:
    """Report that a worker cannot start."""
    field = f"{ERROR_TYPE}: Runtime.ImportModuleError"
    return await (await scene.connect()).ask(request("POST", "init/error", field, body=b"{}"))


def test_the_first_report_that_the_runtime_cannot_start_counts() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            replies = [await init_error(scene), await init_error(scene)]

            assert [reply.status for reply in replies] == [202, 403]
            assert json.loads(replies[1].body)["errorType"] == "InvalidStateTransition"
            assert scene.api.start_error == FunctionError("Runtime.ImportModuleError", b"{}")
            assert scene.happened == ["failed"]

    run(main())


def test_a_worker_that_cannot_start_beside_others_is_away() -> None:
    async def main() -> None:
        async with Scene(capacity=2) as scene:
            (peer,) = await waiting(scene)
            assert (await init_error(scene)).status == 202
            scene.api.invoke(Invocation(b"1"))

            assert (await peer.reply()).body == b"1"
            assert (scene.api.start_error, scene.concurrent_api.away) == (None, 1)
            assert scene.warnings == [
                "one worker of the runtime cannot start (Runtime.ImportModuleError); the others go on"
            ]

    run(main())


def test_more_connections_are_open_than_for_one_invocation_at_a_time() -> None:
    async def main() -> None:
        async with Scene(capacity=200) as scene:
            peers = await waiting(scene, 200)
            posting = [await scene.connect() for _ in range(200)]
            for _ in peers:
                scene.api.invoke(Invocation(b"1"))
            replies = await asyncio.gather(*(peer.reply() for peer in peers))
            ids = [reply.headers["lambda-runtime-aws-request-id"] for reply in replies]
            posts = zip(posting, ids, strict=True)
            answers = await asyncio.gather(*(peer.ask(post(id_, "response", body=b"1")) for peer, id_ in posts))

            assert {answer.status for answer in answers} == {202}
            assert scene.warnings == []

    run(main())
