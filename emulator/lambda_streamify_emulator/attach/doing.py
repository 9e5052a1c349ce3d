"""Carries a plan out, or takes it back, step by step; what happens is written down as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .operations import OPERATIONS
from .plan import BEGUN, DONE, PENDING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .aws import Aws
    from .plan import Act, Plan

_FACT = "fact:"


def carry_out(aws: Aws, plan: Plan, save: Callable[[Plan], None], say: Callable[[str], None]) -> None:
    """Do the steps that are not done. An error, or Ctrl-C, ends it; the plan that was saved last says where."""
    for step in plan.steps:
        if step.status != DONE:
            step.status = BEGUN
            save(plan)
            _perform(aws, plan, step.act)
            step.status = DONE
            save(plan)
            say(step.act.description)


def take_back(aws: Aws, plan: Plan, save: Callable[[Plan], None], say: Callable[[str], None]) -> None:
    """Take the steps back that are done or begun, the last one first."""
    for step in plan.undoing:
        step.status = BEGUN
        save(plan)
        if step.undo is not None and _is_known(plan, step.undo):
            _perform(aws, plan, step.undo)
            say(step.undo.description)
        step.status = PENDING
        save(plan)


def _perform(aws: Aws, plan: Plan, act: Act) -> None:
    arguments = {name: _resolved(plan, value) for name, value in act.arguments.items()}
    OPERATIONS[act.operation](aws, plan.facts, **arguments)


def _resolved(plan: Plan, value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FACT):
        return plan.facts[value.removeprefix(_FACT)]
    if isinstance(value, dict):
        return {name: _resolved(plan, each) for name, each in value.items()}
    return value


def _is_known(plan: Plan, act: Act) -> bool:
    """Whether the facts that an undo needs came in; without them, the step had no effect that can be named."""
    needed = [value for value in act.arguments.values() if isinstance(value, str) and value.startswith(_FACT)]
    return all(value.removeprefix(_FACT) in plan.facts for value in needed)
