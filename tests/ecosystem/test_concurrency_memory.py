"""What it costs to wait for eight invocations at a time, under the built layer and under AWS's own client.

Memory is the proportional set size: what processes share counts once.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median

import pytest

from parity import AWS, OURS
from process_table import processor_time, proportional, running_in_session
from queued_api import Next, QueuedApi
from sandbox import FileSystem, installed_packages, make_file_system, running

WORKERS = 8
ROUNDS = 3
PRELOADED = "ours, preloaded"
TASKS = "ours, by tasks"
SOURCES = {
    "a plain function": "def handler(event, context):\n    return event\n",
    "with imports": (
        "import asyncio, email.message, logging, urllib.request\n\n"
        "def handler(event, context):\n    return asyncio.run(asyncio.sleep(0))\n"
    ),
}
MIB = 1024 * 1024


class Cost:
    """Bytes of memory, and seconds of processor time until eight connections wait for an event."""

    def __init__(self, processes: set[int]) -> None:
        self.memory = sum(map(proportional, processes))
        self.time = sum(map(processor_time, processes))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> FileSystem:
    return make_file_system(tmp_path_factory.mktemp("memory") / "root", installed_packages())


def costs(system: FileSystem, source: str, scratch: Path) -> Iterator[dict[str, Cost]]:
    """Yield what each runtime costs, round by round. All run at the same time, so that they share what is loaded."""
    task = scratch / "task"
    task.mkdir()
    (task / "app.py").write_text(source)
    (task / "waiting.py").write_text(
        source.replace("def handler", "async def handler").replace("asyncio.run", "await ")
    )
    number = count()
    variables = {
        "_HANDLER": "app.handler",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_MAX_CONCURRENCY": str(WORKERS),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    }
    wrapper = {"AWS_LAMBDA_EXEC_WRAPPER": str(system.layer / "streamify")}
    tasks = {"STREAMIFY_CONCURRENCY": "tasks", "_HANDLER": "waiting.handler"}
    kinds = {AWS: {}, OURS: wrapper, PRELOADED: wrapper | {"STREAMIFY_PRELOAD": "1"}, TASKS: wrapper | tasks}
    for _ in range(ROUNDS):
        with ExitStack() as stack:
            sessions = {}
            for kind, own in kinds.items():
                api = stack.enter_context(QueuedApi())
                folder = scratch / f"{kind}-{next(number)}"
                sandbox = stack.enter_context(running(system, api, task, folder, variables | own))
                assert [type(api.wait()) for _ in range(WORKERS)] == [Next] * WORKERS
                sessions[kind] = sandbox.process.pid
            yield {kind: Cost(running_in_session(session)) for kind, session in sessions.items()}


@pytest.mark.parametrize("name", SOURCES)
def test_workers_take_no_more_memory_than_those_of_awss_client(
    system: FileSystem, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = list(costs(system, SOURCES[name], tmp_path))
    memory, time = (dict.fromkeys(rounds[0], 0.0) for _ in range(2))
    for kind in rounds[0]:
        memory[kind] = median(seen[kind].memory for seen in rounds)
        time[kind] = sum(seen[kind].time for seen in rounds)
    with capsys.disabled():
        print(f"\n{name}, {WORKERS} workers:")  # noqa: T201 - these are the figures of docs/guides/concurrency.md
        for kind in memory:
            held, ran = memory[kind] / MIB, time[kind] * 1000 / ROUNDS
            ratios = f"{memory[kind] / memory[AWS]:.2f} and {time[kind] / time[AWS]:.2f} of AWS's"
            print(f"  {kind:16} {held:6.1f} MiB, {ran:4.0f} ms of processor time ({ratios})")  # noqa: T201

    assert memory[OURS] <= memory[AWS]
    assert memory[PRELOADED] <= memory[OURS]
    assert memory[TASKS] <= memory[PRELOADED]
