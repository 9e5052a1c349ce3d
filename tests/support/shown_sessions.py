"""What a page shows: the files that it has its reader write, and the commands with what they print."""

import re
import shlex
from pathlib import Path

from processes import clean_environment, run

FILE = re.compile(r"`([\w./]+)`[^`]*\n\n```(?:py|html|yaml)\n(.*?)```\n", re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```\n", re.DOTALL)
KEEP_ALIVE = ": keep-alive\n\n"
SERVE = "streamify serve"


def files(text: str) -> dict[str, str]:
    """Return the files of a text: each stands below a line that names it."""
    return dict(FILE.findall(text))


def sessions(text: str) -> list[tuple[str, str]]:
    """Return the commands of a text, each with what it prints."""
    blocks = CONSOLE.findall(text)
    parts = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in parts]


def assert_prints(command: str, shown: str, folder: Path, url: str, cache: Path) -> None:
    """Run a command in a folder, with the URL in place of the emulator's first one; fail if it prints anything else."""
    if command.startswith(SERVE):
        command += " --port 0 --exec true"
        shown = shown.partition("dashboard:")[0]  # --exec names none
    program, *arguments = shlex.split(command.replace("http://127.0.0.1:4001/", url))
    if program == "curl":
        arguments.insert(0, "--silent")

    printed = run(program, *arguments, cwd=folder, env=clean_environment(STREAMIFY_CACHE_DIR=str(cache)))

    assert re.fullmatch(as_pattern(shown), printed), f"{command}\nshown:\n{shown}\nprinted:\n{printed}"


def as_pattern(output: str) -> str:
    """Return the shown output as a pattern: three dots stand for lines; times, ports and silences differ."""
    shown = output.replace(KEEP_ALIVE * 2, KEEP_ALIVE)
    return "".join(map(_line_pattern, shown.splitlines())).replace(KEEP_ALIVE, f"(?:{KEEP_ALIVE})+")


def _line_pattern(line: str) -> str:
    if line.strip() == "...":
        return "(?:.*\n)*?"
    pattern = re.escape(line).replace(r"\ ", " ").replace(r"\-", "-")
    pattern = re.sub(r"\d+\\\.\d{3} s", r"\\d+\\.\\d{3} s", pattern)
    return re.sub(r"127\\\.0\\\.0\\\.1:\d+", r"127\\.0\\.0\\.1:\\d+", pattern) + "\n"
