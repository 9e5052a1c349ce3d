import asyncio

from asynchronous import run
from lambda_streamify_emulator.sandboxes.timers import Timers


def test_a_new_timer_replaces_the_one_with_the_same_key_only() -> None:
    async def main() -> None:
        timers, called, done = Timers(), [], asyncio.Event()
        timers.set("a", 0, lambda: called.append("replaced"))
        timers.set("b", 0, lambda: called.append("b"))
        timers.set("a", 0, done.set)
        await done.wait()

        assert called == ["b"]

    run(main())


def test_a_cancelled_timer_does_nothing() -> None:
    async def main() -> None:
        timers, called, done = Timers(), [], asyncio.Event()
        timers.set("a", 0, lambda: called.append("a"))
        timers.cancel("a")
        timers.cancel("unknown")
        timers.set("b", 0, done.set)
        await done.wait()

        assert called == []

    run(main())


def test_the_timer_of_the_whole_sandbox_replaces_those_of_invocations() -> None:
    async def main() -> None:
        timers, called, done = Timers(), [], asyncio.Event()
        timers.set("a", 0, lambda: called.append("a"))
        timers.replace_all(0, done.set)
        assert len(timers) == 1
        await done.wait()

        assert called == []

    run(main())
