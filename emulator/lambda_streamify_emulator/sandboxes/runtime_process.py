"""The process of a sandbox's runtime: the interpreter, the function's own program, or the wrapper that starts it."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ..processes.groups import start_in_group
from ..processes.output import Output
from .debugger import make_interpreter
from .environment import WRAPPER, is_os_only
from .function_package import Package

# Starts a wrapper as the start script in AWS's images does; $0 is the wrapper's path as the function names it.
START_WRAPPER = """
[ -f "$1" ] || { echo "$0: does not exist"; exit 127; }
[ -x "$1" ] || { echo "$0: is not an executable"; exit 126; }
exec "$@"
"""


async def start_runtime(
    package: Package, environment: Mapping[str, str], output: Output, group: int, say: Callable[[str], None]
) -> asyncio.subprocess.Process:
    """Start the runtime of a function in a process group, or in one of its own if `group` is 0. Raises OSError.

    The output is closed if that fails. `say` is called with messages for the developer.
    """
    try:
        interpreter = package.interpreter
        if package.debugpy is not None and interpreter is not None:
            interpreter, port = make_interpreter(interpreter, package.debugpy, package.folders.runtime)
            say(f"a debugger can attach to 127.0.0.1:{port}")
        return await start_in_group(
            group,
            *_command(package, interpreter, environment.get(WRAPPER), say),
            env=environment,
            cwd=package.folders.task,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=asyncio.subprocess.STDOUT,
        )
    except BaseException:
        output.close()
        raise
    finally:
        os.close(output.write_end)


def _command(package: Package, interpreter: Path | None, wrapper: str | None, say: Callable[[str], None]) -> list[str]:
    """Return the command that starts the runtime, through the wrapper if one is set.

    OS-only runtimes have no wrappers: AWS Lambda Developer Guide, "Modifying the runtime environment".
    """
    command = package.runtime.command(interpreter, package.folders, package.function)
    if not wrapper or is_os_only(package.function.runtime):
        return command
    named = package.function.environment[WRAPPER]
    if wrapper != named and not Path(wrapper).exists():
        say(f"no layer of the function has {named}")
    return ["/bin/sh", "-c", START_WRAPPER, named, wrapper, *command]
