import asyncio

from asynchronous import run
from lambda_streamify_emulator.sandboxes.shared_ports import SharedPorts


class Function:
    """A function whose sandboxes are what a test says."""

    def __init__(self, name: str, ports: SharedPorts) -> None:
        self.name = name
        self.is_occupied = False
        self.is_busy = False
        self.is_stopped = False
        self.lines: list[str] = []
        self.ended = 0
        self._ports = ports

    def end_idle(self) -> None:
        """Note that idle sandboxes are to end."""
        self.ended += 1

    async def acquire(self) -> None:
        """Ask for the ports."""
        await self._ports.acquire(self, self.lines.append)

    def set(self, *, occupied: bool, busy: bool = False) -> None:
        """Change the sandboxes."""
        self.is_occupied, self.is_busy = occupied, busy
        self._ports.note_change()


async def holding() -> tuple[SharedPorts, Function, Function]:
    """Return a function that has the ports, and another one."""
    ports = SharedPorts()
    first, second = Function("first", ports), Function("second", ports)
    await first.acquire()
    return ports, first, second


def test_a_function_without_sandboxes_gives_the_ports_away() -> None:
    async def main() -> None:
        ports, first, second = await holding()
        await first.acquire()
        assert ports.is_held_by(first)
        await second.acquire()

        assert ports.is_held_by(second)
        assert not ports.is_held_by(first)
        assert (first.ended, second.lines) == (0, [])

    run(main())


def test_idle_sandboxes_end_for_another_function() -> None:
    async def main() -> None:
        ports, first, second = await holding()
        first.set(occupied=True)
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(0)
        assert first.ended == 1
        assert not waiting.done()
        first.set(occupied=False)
        await waiting

        assert ports.is_held_by(second)
        assert second.lines == []

    run(main())


def test_a_busy_sandbox_is_waited_for_and_the_log_says_so_once() -> None:
    async def main() -> None:
        ports, first, second = await holding()
        first.set(occupied=True, busy=True)
        waiting = asyncio.create_task(second.acquire())
        for _ in range(3):
            await asyncio.sleep(0)
            first.set(occupied=True, busy=True)
        first.set(occupied=False)
        await waiting

        assert ports.is_held_by(second)
        (line,) = second.lines
        assert line.startswith("second waits: functions with extensions run one at a time")
        assert line.endswith(", and first is busy")

    run(main())


def test_a_function_that_is_stopped_waits_no_longer() -> None:
    async def main() -> None:
        ports, first, second = await holding()
        first.set(occupied=True, busy=True)
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(0)
        second.is_stopped = True
        ports.note_change()
        await waiting

        assert ports.is_held_by(first)

    run(main())
