"""What `attach` and `detach` share: what is read at the start, the question, and what is said at the end."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from ..errors import AttachError, EmulatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..attach.aws import Aws
    from ..attach.plan import Plan
    from ..attach.plan_file import PlanFile
    from ..attach.snapshot import Function

# The exit statuses beside those of every command; docs/guides/existing-functions.md lists all.
NOT_STREAMED, STOPPED = 1, 3


@dataclass(frozen=True)
class Output:
    """How to print and to ask. Raises AttachError for options that exclude each other."""

    dry_run: bool
    yes: bool
    as_json: bool

    def __post_init__(self) -> None:
        if self.as_json and not (self.yes or self.dry_run):
            raise AttachError("--json cannot ask: add --yes, or --dry-run")

    def say(self, text: str) -> None:
        """Print progress, for people."""
        from ..terminal import terminal

        if not self.as_json:
            terminal.say(text)

    def done(self, text: str) -> None:
        """Print that a step is done."""
        self.say(f"done: {text}")

    def lines(self, lines: Iterable[str]) -> None:
        """Print a result, for people."""
        from rich.text import Text

        from ..terminal import terminal

        if not self.as_json:
            for line in lines:
                terminal.OUT.print(Text(line))

    def result(self, fields: dict[str, Any]) -> None:
        """Print a result, for machines."""
        if self.as_json:
            print(json.dumps(fields, ensure_ascii=False), flush=True)  # noqa: T201

    def refuse(self, reasons: Sequence[str]) -> None:
        """Raise AttachError if there are reasons."""
        if reasons:
            self.result({"refusals": list(reasons)})
            raise AttachError("\n".join(reasons))

    def agreed(self, lines: Iterable[str], plan: dict[str, Any]) -> bool:
        """Print the plan, and return whether to carry it out. Exit with 1 if the user says no."""
        self.lines(lines)
        if self.dry_run:
            self.result(plan)
            return False
        if not self.yes:
            typer.confirm("Go ahead?", abort=True, err=True)
        return True


@dataclass
class Session:
    """A function, and what is kept of an earlier call."""

    aws: Aws
    function: Function
    second: str  # the name of its second function, which may not exist
    file: PlanFile
    plan: Plan | None  # if any of its steps may have been done

    def is_attached(self) -> bool:
        """Return whether nothing is left to do. Raise AttachError if an earlier call has stopped half-way."""
        from ..attach.recall import is_attached
        from ..attach.snapshot import OUR_WRAPPER

        name = self.function.name
        if self.plan is not None and not self.plan.is_done:
            raise AttachError(
                f"an earlier call for {name} has stopped half-way: go on by `streamify attach {name} --resume`, "
                f"or take it back by `streamify detach {name}`"
            )
        return is_attached(self.function, self.second) or self.function.wrapper == OUR_WRAPPER

    def url(self) -> str | None:
        """Return the streaming URL of a function that is attached."""
        from ..attach.reading import url_config
        from ..attach.snapshot import LATEST

        if self.plan is not None and "url" in self.plan.facts:
            return self.plan.facts["url"]
        if self.function.others.get(self.second) == self.function.name:
            return str((url_config(self.aws, self.second, LATEST) or {}).get("FunctionUrl", "")) or None
        return next((url.address for url in self.function.urls if url.streams), None)

    def finish(self, output: Output, url: str | None, *, check: bool, changed: bool) -> None:
        """Say what there is now, and check the URL if asked. Exit with 1 if its response was not seen to stream."""
        from ..analysis.doctor import lines_of
        from ..attach.checking import check as examine

        result: dict[str, Any] = {"function": self.function.arn, "changed": changed, "url": url}
        result["plan_file"] = str(self.file.path) if self.file.path.exists() else None
        output.lines([f"streams at {url}"] if url else [])
        if not check:
            output.result(result)
            return
        if url is None:
            output.result(result)
            raise AttachError(f"--check: {self.function.name} has no streaming URL to ask")
        diagnosis = examine(self.aws, url, self.function.region)
        output.lines(lines_of(diagnosis))
        verdict = {"verdict": diagnosis.verdict, "findings": diagnosis.findings, "advice": diagnosis.advice}
        output.result({**result, "check": verdict})
        if not diagnosis.has_streamed:
            raise typer.Exit(NOT_STREAMED)


def begin(aws: Aws, name: str, as_: str | None, layer: str | None, path: Path | None) -> Session:
    """Read the function, and what an earlier call has left."""
    from ..attach.plan_file import PlanFile, default_path
    from ..attach.reading import read, short_name
    from ..attach.ways import WAYS

    short = short_name(name)
    file = PlanFile(path or default_path(short))
    plan = file.load()
    kept = plan.name if plan is not None and plan.via == "second-function" else None
    second = as_ or kept or WAYS["second-function"].default_name(short)
    function = read(aws, short, second=second, layer=layer)
    if plan is not None and plan.arn != function.arn:
        raise AttachError(f"{file.path} is the plan of {plan.arn}, not of {function.arn}: name another by --plan-file")
    return Session(aws, function, second, file, plan if plan is not None and plan.undoing else None)


@contextmanager
def stopping(file: PlanFile, plan: Plan, again: str) -> Iterator[None]:
    """Say what is done, and how to go on, when an error or Ctrl-C ends the block; then exit with 3."""
    from ..terminal import terminal

    try:
        yield
    except (EmulatorError, KeyboardInterrupt) as error:
        terminal.complain(str(error) or "interrupted")
        done = sum(step.status == "done" for step in plan.steps)
        terminal.say(
            f"stopped half-way: {done} of {len(plan.steps)} steps are in place, see {file.path}; go on by `{again}`, "
            f"or restore what was there by `streamify detach {plan.function}`"
        )
        raise typer.Exit(STOPPED) from None
