"""Makes the plan of a function that is attached again, from its marks, when the plan file is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .marks import from_tags
from .plan import BEGUN, DONE, PENDING
from .ways import Wish, make_plan, rewound

if TYPE_CHECKING:
    from .plan import Plan
    from .snapshot import Function

# Stands for the layer where the plan neither adds nor removes one.
_NO_LAYER = "arn:aws:lambda:::layer:none:0"


def is_attached(function: Function, second: str) -> bool:
    """Whether the tags say that the function was attached, perhaps half-way."""
    return from_tags(function.tags) is not None or function.others.get(second) == function.name


def recall(function: Function, second: str, auth: str) -> Plan | None:
    """Return the plan that the function's tags describe, None if there are none.

    `auth` is for the URL of a second function.

    Nobody knows which of its steps are done: as each looks first, all count as begun.
    """
    mark = from_tags(function.tags)
    if mark is not None:
        timeout = None if mark.timeout_s is None else function.timeout_s
        layer = mark.layer or next(iter(function.layers), _NO_LAYER)
        wish = Wish(layer, mark.name or None, mark.url or auth, timeout)
        plan = make_plan(rewound(function, mark), wish, mark.via)
    elif function.others.get(second) == function.name:
        plan = make_plan(function, Wish(_NO_LAYER, second, auth), "second-function")
    else:
        return None
    for step in plan.steps:
        step.status = BEGUN
    return plan


def mark_done(plan: Plan, function: Function) -> None:
    """Mark the steps up to the alias as done if it exists: a second version would be published otherwise."""
    alias = next((alias for alias in function.aliases if plan.via == "alias" and alias.name == plan.name), None)
    if alias is None:
        for step in plan.steps:
            step.status = PENDING
        return
    plan.facts["version"] = alias.versions[0]
    created = [step.act.operation for step in plan.steps].index("create_alias")
    for number, step in enumerate(plan.steps):
        step.status = DONE if number <= created else PENDING
