import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lambda_streamify_emulator.sandboxes.memory import Memory, descendants, memory_used, proportional_use

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
MIB = 1024**2


@contextmanager
def program(code: str) -> Iterator[int]:
    """Run Python code that prints a line and then waits for the end of its input; yield its process id."""
    waiting = f"{code}\nimport sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-IS", "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


def used(code: str) -> Memory:
    with program(code) as process:
        memory = memory_used(process)
    assert memory is not None
    return memory


def test_the_peak_includes_memory_that_was_released() -> None:
    bare, holding, freed = map(used, ("", "a = b'x' * (64 << 20)", "a = b'x' * (64 << 20); del a"))

    assert MIB < bare.now < 50 * MIB
    assert 63 * MIB < holding.now - bare.now < 80 * MIB
    assert abs(freed.now - bare.now) < 16 * MIB
    assert 63 * MIB < freed.peak - bare.peak < 80 * MIB


FORKS = """
import os
ready, child = os.pipe(), os.fork()
if not child:
    b = b'x' * (32 << 20)
    os.write(ready[1], b'x')
    import sys; sys.stdin.read()
    os._exit(0)
os.read(ready[0], 1)
"""


def test_what_its_children_hold_counts_too() -> None:
    with program(FORKS) as process:
        (child,) = descendants(process)
        memory = memory_used(process)
    assert memory is not None
    assert memory.now > 32 * MIB
    assert child != process


def test_what_processes_share_is_divided_between_them_before_it_is_too_much() -> None:
    shared = "a = b'x' * (64 << 20)\n" + FORKS.replace("(32 << 20)", "1")
    with program(shared) as process:
        counted, divided = memory_used(process), memory_used(process, 100 * MIB)
    assert counted is not None
    assert divided is not None
    assert counted.now > 128 * MIB
    assert 64 * MIB < divided.now < 100 * MIB


def test_the_memory_of_a_process_that_is_gone_is_unknown() -> None:
    with subprocess.Popen(["true"]) as process:
        pass

    assert memory_used(process.pid) is None
    assert list(descendants(process.pid)) == []


def test_memory_that_processes_share_is_divided_among_them() -> None:
    # Each of the three children holds what its parent holds; together it is there once.
    fork = """
import os, signal
a = b"x" * (64 << 20)
for _ in range(3):
    if not os.fork():
        signal.pause()
"""
    end = "import atexit; atexit.register(lambda: os.killpg(0, 15)); os.setpgrp()"
    with program(fork.replace("import os, signal", f"import os, signal; {end}", 1)) as process:
        found, summed = proportional_use(process), memory_used(process)
    assert found is not None
    assert summed is not None
    used, count = found
    assert count == 4
    assert 64 * MIB < used < 120 * MIB
    assert summed.now > 4 * 64 * MIB


def test_the_proportional_use_of_a_process_that_is_gone_is_unknown() -> None:
    with program("") as process:
        pass
    assert proportional_use(process) is None
