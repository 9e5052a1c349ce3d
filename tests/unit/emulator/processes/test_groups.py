import asyncio
import os
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.processes.groups import group_of, start_in_group


def test_processes_share_a_group_until_all_have_ended() -> None:
    async def main() -> None:
        first = await start_in_group(0, "/bin/sh", "-c", "read line", stdin=asyncio.subprocess.PIPE)
        second = await start_in_group(first.pid, "/bin/sh", "-c", "read line", stdin=asyncio.subprocess.PIPE)
        assert group_of(first.pid, 0) == group_of(second.pid, 0) == first.pid != os.getpgid(0)
        for process in (first, second):
            await process.communicate(b"\n")

        third = await start_in_group(first.pid, "/bin/sh", "-c", "read line", stdin=asyncio.subprocess.PIPE)
        assert group_of(third.pid, 0) == third.pid
        await third.communicate(b"\n")
        assert group_of(third.pid, 7) == 7

    run(main())


def test_a_program_that_may_not_be_executed_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("")

    async def main() -> None:
        with pytest.raises(PermissionError):
            await start_in_group(0, program)

    run(main())
