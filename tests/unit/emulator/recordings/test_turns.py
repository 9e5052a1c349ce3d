import asyncio
import threading

import pytest

from asynchronous import run
from lambda_streamify_emulator.errors import ReplayNotReleased
from lambda_streamify_emulator.recordings.turns import Turns
from waiting import PATIENCE

MESSAGE = "^the end was not released within 0 s: call release\\(\\) when what came before has been read$"


def test_the_first_turn_is_there_and_each_release_adds_one() -> None:
    turns = Turns(0)

    turns.take("the first")
    turns.release()
    turns.release()
    turns.take("the second")
    turns.take("the third")
    with pytest.raises(ReplayNotReleased, match=MESSAGE):
        turns.take("the end")


def test_a_thread_waits_for_its_release() -> None:
    turns, taken = Turns(PATIENCE), threading.Event()
    turns.take("the first")

    def take() -> None:
        turns.take("the second")
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.is_set()
    turns.release()
    assert taken.wait(PATIENCE)
    thread.join()


def test_a_task_waits_for_a_release_from_a_thread_and_leaves_the_loop_free() -> None:
    async def main() -> None:
        turns, others = Turns(PATIENCE), asyncio.Event()
        await turns.atake("the first")
        waiting = asyncio.create_task(turns.atake("the second"))
        asyncio.get_running_loop().call_soon(others.set)
        await others.wait()
        assert not waiting.done()
        await asyncio.to_thread(turns.release)
        await waiting

    run(main())


def test_a_task_that_loses_patience_says_for_what() -> None:
    async def main() -> None:
        turns = Turns(0)
        turns.release()
        await turns.atake("the first")
        await turns.atake("the second")
        with pytest.raises(ReplayNotReleased, match=MESSAGE):
            await turns.atake("the end")

    run(main())


def test_who_has_left_takes_no_turn() -> None:
    async def main() -> None:
        turns = Turns(PATIENCE)
        await turns.atake("the first")
        leaving = asyncio.create_task(turns.atake("the second"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        turns.release()
        await turns.atake("the second, for another")

    run(main())


def test_a_turn_that_came_too_late_is_for_the_next_one() -> None:
    turns = Turns(0)
    turns.take("the first")
    with pytest.raises(ReplayNotReleased):
        turns.take("the end")

    turns.release()
    turns.take("the end")
