"""What the commands print before they ask: the function, its callers and the plan, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .callers import Caller
    from .plan import Act, Plan
    from .snapshot import Function


def describe(function: Function) -> str:
    """Return one line about a function."""
    parts = [function.runtime or "a container image", function.architecture, _counted(len(function.layers), "layer")]
    if function.wrapper:
        parts.append(f"wrapper {function.wrapper}")
    parts += [word for word, is_so in (("VPC", function.in_vpc), ("SnapStart", function.snap_start)) if is_so]
    aliases = ", ".join(f"{alias.name} on {'+'.join(alias.versions)}" for alias in function.aliases)
    parts += [
        f"timeout {function.timeout_s} s",
        f"aliases: {aliases or 'none'}",
        _counted(len(function.versions), "version"),
    ]
    return f"{function.name} in {function.region}: {', '.join(parts)}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def plan_lines(function: Function, known: Sequence[Caller], notes: Sequence[str], plan: Plan) -> Iterator[str]:
    """Yield the plan of `attach`."""
    yield describe(function)
    yield "who calls it today, and what they will get:"
    yield from (f"  * {caller.who}, {caller.where}: {caller.gets}" for caller in known)
    yield f"plan: {WAYS[plan.via].words} (--via {plan.via})"
    yield from act_lines([step.act for step in plan.steps])
    yield from (f"note: {note}" for note in notes)


def act_lines(acts: Sequence[Act]) -> Iterator[str]:
    """Yield the acts in their order, each with the rights that it needs."""
    for number, act in enumerate(acts, 1):
        yield f"  {number}. {act.description}  [{', '.join(act.rights)}]"


def acts_json(acts: Sequence[Act]) -> list[dict[str, Any]]:
    """Return the acts as objects of JSON."""
    return [{"description": act.description, "rights": list(act.rights)} for act in acts]
