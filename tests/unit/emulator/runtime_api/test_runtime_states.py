import json
from collections.abc import Awaitable, Callable

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.runtime_api.states import TRANSITIONS, forbidden
from runtime_peer import END, NEXT, Scene, chunk, post, request, response

REPORT = b'{"errorMessage": "no", "errorType": "ValueError"}'
RESTORE = request("GET", "restore/next")
CALLS = ("next", "response", "error", "init/error", "restore/next", "restore/error")


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


async def restoring(scene: Scene) -> str:
    request_id = await starting_with_an_event(scene)
    assert (await (await scene.connect()).ask(RESTORE)).status == 200
    return request_id


async def failed_after_restore(scene: Scene) -> str:
    request_id = await restoring(scene)
    await (await scene.connect()).ask(request("POST", "restore/error", body=REPORT))
    return request_id


async def ready(scene: Scene) -> str:
    await (await scene.connect()).send(NEXT)
    await scene.idle()
    return "none"


async def running(scene: Scene) -> str:
    return (await scene.invoked())[1].request_id


async def responding(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.send(response(invocation.request_id) + chunk(b"half"))
    await invocation.channel.wait_for_start()
    return invocation.request_id


async def erring(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    fields = "Content-Length: 9", "Expect: 100-continue"
    await peer.send(request("POST", f"invocation/{invocation.request_id}/error", *fields))
    assert await peer.told_to_go_on()
    return invocation.request_id


async def poisoned(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    data = post(invocation.request_id, "response", "Lambda-Runtime-Function-Response-Mode: Streaming")
    assert (await peer.ask(data)).error_type == "InvalidFunctionResponseMode"
    return invocation.request_id


async def responded(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.ask(response(invocation.request_id) + END)
    return invocation.request_id


async def errored(scene: Scene) -> str:
    peer, invocation = await scene.invoked()
    await peer.ask(post(invocation.request_id, "error", body=REPORT))
    return invocation.request_id


async def expired(scene: Scene) -> str:
    request_id = await running(scene)
    scene.api.expire()
    return request_id


Situation = Callable[[Scene], Awaitable[str]]
Outcome = tuple[int, str]
FORBIDDEN: Outcome = (403, "InvalidStateTransition")
STALE: Outcome = (400, "InvalidRequestID")
TIMED_OUT: Outcome = (410, "InvokeTimeout")
TAKEN, EVENT, HELD, IGNORED = (202, ""), (200, ""), (0, ""), (-1, "")


def outcomes(default: Outcome, **others: Outcome) -> dict[str, Outcome]:
    return {call: others.get(call.replace("/", "_"), default) for call in CALLS}


# Each row was checked on AWS's Runtime Interface Emulator, except the last, which only AWS's newer daemon has.
SITUATIONS: list[tuple[Situation, str, dict[str, Outcome]]] = [
    (
        starting,
        "Started",
        outcomes(FORBIDDEN, next=HELD, init_error=TAKEN, restore_next=EVENT, response=STALE, error=STALE),
    ),
    (starting_with_an_event, "Started", outcomes(FORBIDDEN, next=EVENT, init_error=TAKEN, restore_next=EVENT)),
    (failed_in_init, "InitError", outcomes(FORBIDDEN)),
    (restoring, "Restoring", outcomes(FORBIDDEN, next=EVENT, init_error=TAKEN, restore_error=TAKEN)),
    (failed_after_restore, "RuntimeRestoreErrorState", outcomes(FORBIDDEN)),
    (ready, "Ready", outcomes(FORBIDDEN, next=HELD, response=STALE, error=STALE)),
    (running, "Running", outcomes(FORBIDDEN, next=EVENT, response=TAKEN, error=TAKEN)),
    (responding, "InvocationResponse", outcomes(FORBIDDEN)),
    (erring, "InvocationErrorResponse", outcomes(FORBIDDEN)),
    (poisoned, "InvocationResponse", outcomes(FORBIDDEN)),
    (responded, "RuntimeResponseSentState", outcomes(FORBIDDEN, next=HELD)),
    (errored, "RuntimeResponseSentState", outcomes(FORBIDDEN, next=HELD)),
    (expired, "Running", outcomes(FORBIDDEN, next=IGNORED, response=TIMED_OUT, error=TIMED_OUT)),
]


def test_the_situations_cover_every_state_and_every_call() -> None:
    assert {state for _, state, _ in SITUATIONS} == set(TRANSITIONS)
    assert {call for row in TRANSITIONS.values() for call in row} == set(CALLS)
    assert {after for row in TRANSITIONS.values() for after in row.values()} <= set(TRANSITIONS)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("situation", "state", "expected"), SITUATIONS)
def test_each_call_is_taken_in_its_states_only(
    situation: Situation, state: str, expected: dict[str, Outcome], call: str
) -> None:
    async def main() -> None:
        async with Scene(snapstart=True) as scene:
            request_id = await situation(scene)
            assert scene.api.state == state
            data = {
                "next": NEXT,
                "restore/next": RESTORE,
                "response": post(request_id, "response", body=b"x"),
                "error": post(request_id, "error", body=REPORT),
                "init/error": request("POST", "init/error", body=REPORT),
                "restore/error": request("POST", "restore/error", body=REPORT),
            }[call]
            peer = await scene.connect()
            if expected[call] == IGNORED:
                await peer.send(data + NEXT)
                peer.end_sending()
                await scene.peers[0].close()
                await scene.api.close()
                assert await peer.rest() in (b"", b"RST")
                assert "idle" not in scene.happened
                return
            await peer.send(data)
            if expected[call] == HELD:
                # Only the next event answers it.
                await scene.idle()
                scene.api.invoke(Invocation(b'"next"'))
                if state == "Ready":
                    peer = scene.peers[0]
                assert (await peer.reply()).body == b'"next"'
                return
            reply = await peer.reply()
            assert (reply.status, reply.error_type if reply.status >= 400 else "") == expected[call]
            if reply.status >= 400:
                assert scene.api.state == state

    run(main())


def test_a_refusal_names_the_states_as_aws_names_them() -> None:
    answer = forbidden("Running", "init/error")

    assert answer is not None
    assert json.loads(answer.body) == {
        "errorMessage": "State transition from Running to InitError failed for runtime. "
        "Error: State transition is not allowed",
        "errorType": "InvalidStateTransition",
    }
    assert forbidden("Running", "next") is None


@pytest.mark.parametrize(("method", "call"), [("GET", "restore/next"), ("POST", "restore/error")])
def test_there_are_no_calls_around_a_snapshot_where_there_is_none(method: str, call: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            assert (await (await scene.connect()).ask(request(method, call, body=b""))).status == 404
            assert scene.api.state == "Started"

    run(main())
