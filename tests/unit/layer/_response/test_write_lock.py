import asyncio
import sys
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

import lambda_streamify
from asynchronous import run
from invoking import Loop
from lambda_streamify._response.write_lock import WriteLock
from lambda_streamify._runtime.invocation_task import InvocationTask
from lambda_streamify.errors import StreamStateError
from processes import clean_environment
from processes import run as run_process
from scripted_api import WAIT
from waiting import wait_until

FOLDER = Path(lambda_streamify.__file__).parent.parent


def test_one_thread_holds_the_lock_at_a_time() -> None:
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


def test_a_call_that_does_not_wait_is_made_only_if_the_lock_is_free() -> None:
    lock = WriteLock()
    calls: list[int] = []

    def add(first: int, second: int) -> int:
        calls.append(first)
        with pytest.raises(StreamStateError, match="signal handler"), lock:
            pass
        return first + second

    assert lock.call_nowait(add, 1, 2) == 3
    with lock:
        assert lock.call_nowait(add, 3, 4) is None
    assert calls == [1]


def test_a_call_that_raises_releases_the_lock() -> None:
    lock = WriteLock()

    with pytest.raises(ZeroDivisionError):
        lock.call_nowait(divmod, 1, 0)
    with lock:
        pass


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


def test_waiting_for_a_task_of_this_threads_running_event_loop_is_an_error() -> None:
    lock = WriteLock()

    async def main() -> None:
        async with lock:
            assert lock.would_deadlock
            with pytest.raises(StreamStateError, match=r"await writer\.awrite"), lock:
                pass
        with lock:
            assert not lock.would_deadlock

    run(main())


def test_a_task_whose_event_loop_has_stopped_continues_when_the_owner_waits(loop: Loop) -> None:
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


def test_a_task_cancelled_while_it_waits_does_not_keep_the_lock() -> None:
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
            assert not lock.would_deadlock
        async with lock:
            pass

    run(main())


def test_a_cancelled_task_that_gets_the_lock_late_is_no_stopped_holder() -> None:
    """The thread that waits for the task gets the lock; before the event loop passes it on, another thread waits."""
    lock = WriteLock()
    failures: list[BaseException] = []
    passed = Event()

    async def take() -> None:
        async with lock:
            raise AssertionError("it was cancelled")

    def write() -> None:
        try:
            with lock:
                passed.set()
        except StreamStateError as error:
            failures.append(error)

    async def main() -> None:
        with lock:
            waiting = asyncio.ensure_future(take())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        wait_until(lambda: lock._loop is not None, "the late acquisition")  # noqa: SLF001 - nothing else shows it
        thread = Thread(target=write)
        thread.start()
        thread.join(0.3)  # enough for the thread to look at the holder
        await asyncio.to_thread(thread.join, WAIT)

    run(main())

    assert failures == []
    assert passed.is_set()


def test_a_second_acquire_in_one_thread_as_by_a_signal_handler_is_an_error() -> None:
    lock = WriteLock()

    with lock, pytest.raises(StreamStateError, match="signal handler"), lock:
        pass
    with lock:
        pass


def test_a_signal_while_the_owner_waits_leaves_the_lock_to_the_task(loop: Loop) -> None:
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


def test_a_task_that_waits_for_the_lock_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from lambda_streamify._response.write_lock import WriteLock

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


def test_a_task_cancelled_as_it_gets_the_lock_releases_it() -> None:
    lock = WriteLock()

    async def take() -> None:
        async with lock:
            raise AssertionError("it was cancelled")

    async def main() -> None:
        lock.__enter__()
        waiting = asyncio.ensure_future(take())
        await asyncio.sleep(0)
        real = lock._resolve  # noqa: SLF001 - between the acquisition and its delivery

        def hand_over(taken: "asyncio.Future[None]", error: "StreamStateError | None") -> None:
            real(taken, error)
            waiting.cancel()

        lock._resolve = hand_over  # type: ignore[method-assign]  # noqa: SLF001
        lock.__exit__()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with lock:
            pass

    run(main())


class Stopped:
    """An event loop that has stopped while one of its tasks holds the lock or waits for it."""

    def __init__(self, lock: WriteLock) -> None:
        self._loop = asyncio.new_event_loop()
        self._go_on = asyncio.Event()
        self.task = self._loop.run_until_complete(self._begin(lock))

    def go_on(self) -> None:
        """Run the task to its end."""
        self._go_on.set()
        self._loop.run_until_complete(asyncio.wait([self.task]))
        self._loop.close()

    async def _begin(self, lock: WriteLock) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(self._hold(lock))
        await asyncio.sleep(0)
        return task

    async def _hold(self, lock: WriteLock) -> None:
        async with lock:
            await self._go_on.wait()


def test_a_task_whose_event_loop_has_stopped_loses_the_lock_and_a_waiter_gets_an_error() -> None:
    lock = WriteLock()
    stopped = Stopped(lock)

    with pytest.raises(StreamStateError, match=r"but its event loop has stopped: await or cancel the tasks"), lock:
        pass
    with lock:
        stopped.go_on()  # which does not release the lock of its new holder
        with pytest.raises(StreamStateError, match="writing to the response"), lock:
            pass


def test_no_task_gets_a_lock_that_was_revoked() -> None:
    lock = WriteLock()
    lock.reclaim()
    stopped = Stopped(lock)

    async def take() -> None:
        async with lock:
            pass

    with lock:
        pass
    with pytest.raises(StreamStateError, match="its event loop has stopped"):
        run(take())
    stopped.go_on()


def test_at_the_end_the_lock_is_revoked_without_an_error() -> None:
    lock = WriteLock()
    lock.reclaim()
    stopped = Stopped(lock)

    with lock:
        assert not lock.would_deadlock

    stopped.go_on()


def test_only_the_owner_revokes_the_lock() -> None:
    lock, errors = WriteLock(), []
    stopped = Stopped(lock)

    def wait() -> None:
        try:
            with lock:
                pass
        except StreamStateError as error:
            errors.append(error)

    thread = Thread(target=wait)
    thread.start()
    thread.join(WAIT)
    assert len(errors) == 1

    stopped.go_on()
    with lock:
        pass


def test_an_event_loop_that_stops_during_a_wait_is_noticed() -> None:
    lock, holds, go_on = WriteLock(), Event(), Event()
    loops: list[asyncio.AbstractEventLoop] = []
    tasks: list[asyncio.Task[None]] = []

    async def hold() -> None:
        async with lock:
            holds.set()
            await asyncio.Event().wait()

    async def main() -> None:
        tasks.append(asyncio.ensure_future(hold()))
        await asyncio.to_thread(go_on.wait, WAIT)

    def run_loop() -> None:
        loops.append(asyncio.new_event_loop())
        loops[0].run_until_complete(main())

    thread = Thread(target=run_loop)
    thread.start()
    assert holds.wait(WAIT)
    Timer(0, go_on.set).start()
    with pytest.raises(StreamStateError, match="its event loop has stopped"), lock:
        pass
    thread.join(WAIT)
    tasks[0].cancel()
    loops[0].run_until_complete(asyncio.wait(tasks))
    loops[0].close()


def test_a_task_that_waits_for_one_whose_event_loop_has_stopped_gets_an_error(loop: Loop) -> None:
    lock = WriteLock()
    stopped = Stopped(lock)
    lock.task = InvocationTask(loop())

    async def take() -> None:
        with pytest.raises(StreamStateError, match="its event loop has stopped"):
            async with lock:
                pass

    lock.task.run(take())
    with pytest.raises(StreamStateError, match="its event loop has stopped"), lock:
        pass
    with lock:
        pass
    stopped.go_on()


def test_a_task_that_was_waiting_when_its_event_loop_stopped_loses_the_lock_too() -> None:
    lock = WriteLock()
    lock.reclaim()
    with lock:
        stopped = Stopped(lock)
    wait_until(lock._is_holder_stopped, "the lock to be the task's")  # noqa: SLF001 - a thread acquires it for the task

    with lock:
        stopped.go_on()
        with pytest.raises(StreamStateError, match="signal handler"), lock:
            pass
    with lock:
        pass
    assert isinstance(stopped.task.exception(), StreamStateError)


def test_a_task_discarded_with_its_event_loop_does_not_keep_the_lock() -> None:
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
        assert not lock.would_deadlock
