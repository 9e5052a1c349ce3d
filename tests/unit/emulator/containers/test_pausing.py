"""The order of the commands that pause and continue a container."""

import asyncio

from lambda_streamify_emulator.containers.pausing import Pausing


class Engine:
    """Runs each command until the test ends it."""

    def __init__(self) -> None:
        self.commands = list[str]()
        self.running = asyncio.Semaphore(0)

    async def run(self, command: str) -> None:
        self.commands.append(command)
        await self.running.acquire()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_state_that_is_no_longer_wanted_is_left_out() -> None:
    async def scene() -> list[str]:
        engine = Engine()
        pausing = Pausing(engine.run)
        pausing.set(paused=True)
        await settle()
        for paused in (False, True, False):  # while the first command runs
            pausing.set(paused=paused)
        engine.running.release()
        await settle()
        engine.running.release()
        await pausing.end()
        return engine.commands

    assert asyncio.run(scene()) == ["pause", "unpause"]


def test_nothing_runs_for_the_state_that_it_has() -> None:
    async def scene() -> list[str]:
        engine = Engine()
        pausing = Pausing(engine.run)
        pausing.set(paused=False)
        await pausing.end()
        return engine.commands

    assert asyncio.run(scene()) == []
