import asyncio
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

import lambda_streamify
from asynchronous import run
from invoking import Loop
from lambda_streamify.errors import StreamStateError
from lambda_streamify.invocation_task import InvocationTask
from lambda_streamify.write_lock import WriteLock
from processes import clean_environment
from processes import run as run_process
from scripted_api import WAIT

FOLDER = Path(lambda_streamify.__file__).parent.parent


def test_one_thread_has_it_at_a_time() -> None:
    lock, order = WriteLock(), []
    taken = Event()

    def other() -> None:
        taken.set()
        with lock:
            order.append("other")

    thread = Thread(target=other)
    with lock:
        thread.start()
        assert taken.wait(WAIT)
        order.append("first")
    thread.join(WAIT)

    assert order == ["first", "other"]


def test_tasks_wait_for_each_other_while_the_event_loop_runs() -> None:
    lock, order = WriteLock(), []

    async def hold(name: str) -> None:
        async with lock:
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    async def main() -> None:
        await asyncio.gather(*map(hold, "abc"))

    run(main())

    assert sorted(order[::2]) == sorted(order[1::2]) == ["a", "b", "c"]
    assert order[::2] == order[1::2]


def test_a_task_waits_for_a_thread_while_other_tasks_run() -> None:
    lock, has_it, ran = WriteLock(), Event(), Event()

    def hold() -> None:
        with lock:
            has_it.set()
            assert ran.wait(WAIT), "the event loop stands still"

    async def take() -> None:
        async with lock:
            pass

    async def main() -> None:
        thread = Thread(target=hold)
        thread.start()
        assert has_it.wait(WAIT)
        waiting = asyncio.ensure_future(take())
        await asyncio.sleep(0)
        ran.set()
        await waiting
        thread.join(WAIT)

    run(main())


def test_to_wait_for_a_task_of_the_event_loop_that_runs_here_is_an_error_that_says_what_to_do() -> None:
    lock = WriteLock()

    async def main() -> None:
        async with lock:
            assert lock.waits_for_caller
            with pytest.raises(StreamStateError, match=r"await writer\.awrite"), lock:
                pass
        with lock:
            assert not lock.waits_for_caller

    run(main())


def test_a_task_whose_event_loop_has_stopped_goes_on_when_its_owner_waits(loop: Loop) -> None:
    lock, order = WriteLock(), []
    lock.task = InvocationTask(loop())
    tasks = []

    async def hold() -> None:
        async with lock:
            await asyncio.sleep(0)
            order.append("task")

    async def main() -> None:
        tasks.append(asyncio.ensure_future(hold()))
        await asyncio.sleep(0)

    lock.task.run(main())
    with lock:
        order.append("owner")
    with lock:
        pass

    assert order == ["task", "owner"]


def test_whoever_is_cancelled_while_waiting_leaves_it_free() -> None:
    lock = WriteLock()

    async def take() -> None:
        async with lock:
            raise AssertionError("it was cancelled")

    async def main() -> None:
        with lock:
            waiting = asyncio.ensure_future(take())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not lock.waits_for_caller
        async with lock:
            pass

    run(main())


def test_whoever_has_it_and_asks_again_as_a_signal_handler_may_is_told_so() -> None:
    lock = WriteLock()

    with lock, pytest.raises(StreamStateError, match="signal handler"), lock:
        pass
    with lock:
        pass


def test_a_signal_while_its_owner_waits_for_a_task_leaves_it_to_the_task(loop: Loop) -> None:
    lock = WriteLock()
    lock.task = InvocationTask(loop())
    go_on = asyncio.Event()
    tasks = []

    async def hold() -> None:
        async with lock:
            await go_on.wait()

    async def main() -> None:
        tasks.append(asyncio.ensure_future(hold()))
        await asyncio.sleep(0)

    def interrupt() -> None:
        raise KeyboardInterrupt

    lock.task.run(main())
    loop().call_soon(interrupt)  # as a signal handler does
    with pytest.raises(KeyboardInterrupt), lock:
        pass
    go_on.set()
    with lock:
        assert tasks[0].done()


def test_a_task_that_still_waits_for_it_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from lambda_streamify.write_lock import WriteLock

async def take():
    async with lock:
        pass

async def main():
    task = asyncio.ensure_future(take())
    await asyncio.sleep(0)
    task.cancel()

lock = WriteLock()
lock.__enter__()
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.run_until_complete(asyncio.sleep(0))
loop.close()
print("ended")
"""
    assert run_process(sys.executable, "-ISc", program, FOLDER, env=clean_environment(), timeout=WAIT) == "ended\n"


def test_whoever_is_cancelled_just_as_it_is_handed_over_leaves_it_free() -> None:
    lock = WriteLock()

    async def take() -> None:
        async with lock:
            raise AssertionError("it was cancelled")

    async def main() -> None:
        lock.__enter__()
        waiting = asyncio.ensure_future(take())
        await asyncio.sleep(0)
        real = lock._hand_over  # noqa: SLF001 - the moment between the two

        def hand_over(taken: "asyncio.Future[None]") -> None:
            real(taken)
            waiting.cancel()

        lock._hand_over = hand_over  # type: ignore[method-assign]  # noqa: SLF001
        lock.__exit__()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with lock:
            pass

    run(main())


def test_a_task_that_is_thrown_away_with_its_event_loop_leaves_it_free() -> None:
    lock = WriteLock()

    async def hold(forever: "asyncio.Future[None]") -> None:
        async with lock:
            await forever

    other = asyncio.new_event_loop()
    holding = hold(other.create_future())
    other.call_soon(holding.send, None)
    other.call_soon(other.stop)
    other.run_forever()
    other.close()
    holding.close()

    with lock:
        assert not lock.waits_for_caller
