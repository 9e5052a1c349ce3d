import asyncio
import threading

import pytest

from asynchronous import run
from lambda_streamify_emulator.errors import ReplayNotReleased
from lambda_streamify_emulator.replays.permits import Permits
from waiting import TIMEOUT_S

MESSAGE = "^the end was not released within 0 s: call release\\(\\) once the previous chunk is read$"


def test_there_is_one_permit_at_first_and_each_release_adds_one() -> None:
    permits = Permits(0)

    permits.acquire("the first")
    permits.release()
    permits.release()
    permits.acquire("the second")
    permits.acquire("the third")
    with pytest.raises(ReplayNotReleased, match=MESSAGE):
        permits.acquire("the end")


def test_a_thread_waits_for_its_release() -> None:
    permits, taken = Permits(TIMEOUT_S), threading.Event()
    permits.acquire("the first")

    def take() -> None:
        permits.acquire("the second")
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.is_set()
    permits.release()
    assert taken.wait(TIMEOUT_S)
    thread.join()


def test_a_task_waits_for_a_release_from_a_thread_and_leaves_the_loop_free() -> None:
    async def main() -> None:
        permits, others = Permits(TIMEOUT_S), asyncio.Event()
        await permits.acquire_async("the first")
        waiting = asyncio.create_task(permits.acquire_async("the second"))
        asyncio.get_running_loop().call_soon(others.set)
        await others.wait()
        assert not waiting.done()
        await asyncio.to_thread(permits.release)
        await waiting

    run(main())


def test_a_timeout_of_a_task_names_what_was_not_released() -> None:
    async def main() -> None:
        permits = Permits(0)
        permits.release()
        await permits.acquire_async("the first")
        await permits.acquire_async("the second")
        with pytest.raises(ReplayNotReleased, match=MESSAGE):
            await permits.acquire_async("the end")

    run(main())


def test_a_cancelled_task_takes_no_permit() -> None:
    async def main() -> None:
        permits = Permits(TIMEOUT_S)
        await permits.acquire_async("the first")
        leaving = asyncio.create_task(permits.acquire_async("the second"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        permits.release()
        await permits.acquire_async("the second, for another")

    run(main())


def test_a_permit_released_after_a_timeout_is_for_the_next_acquire() -> None:
    permits = Permits(0)
    permits.acquire("the first")
    with pytest.raises(ReplayNotReleased):
        permits.acquire("the end")

    permits.release()
    permits.acquire("the end")
