"""A plan: ordered steps as data, each with its undo. It survives as JSON what happens while it is carried out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PENDING, BEGUN, DONE = "pending", "begun", "done"

# Each operation of a step, and the rights it needs, as IAM policies spell them.
RIGHTS = {
    "publish_layer": ("lambda:PublishLayerVersion",),
    "tag": ("lambda:TagResource",),
    "untag": ("lambda:UntagResource",),
    "configure": ("lambda:UpdateFunctionConfiguration", "lambda:GetLayerVersion"),
    "publish_version": ("lambda:PublishVersion",),
    "delete_version": ("lambda:DeleteFunction",),
    "create_alias": ("lambda:CreateAlias",),
    "delete_alias": ("lambda:DeleteAlias",),
    "create_url": ("lambda:CreateFunctionUrlConfig",),
    "delete_url": ("lambda:DeleteFunctionUrlConfig",),
    "add_permission": ("lambda:AddPermission",),
    "remove_permission": ("lambda:RemovePermission",),
    "create_function": ("lambda:CreateFunction", "iam:PassRole", "lambda:TagResource", "lambda:GetLayerVersion"),
    "delete_function": ("lambda:DeleteFunction",),
}


@dataclass(frozen=True)
class Act:
    """One change: what it does in words, the operation that does it, and its arguments.

    An argument `fact:NAME` stands for what an earlier step has found out, such as the number of a version.
    """

    description: str
    operation: str
    arguments: dict[str, Any]

    @property
    def rights(self) -> tuple[str, ...]:
        """The rights that it needs."""
        return RIGHTS[self.operation]


@dataclass
class Step:
    """An act, the act that takes it back, and how far it has come. Doing it twice has the effect of doing it once."""

    act: Act
    undo: Act | None = None
    status: str = PENDING


@dataclass
class Plan:
    """What is to be done with a function. `facts` are what its steps have found out."""

    function: str
    arn: str
    via: str
    name: str  # of the alias or the second function, else ""
    steps: list[Step]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether every step is done."""
        return all(step.status == DONE for step in self.steps)

    @property
    def undoing(self) -> list[Step]:
        """The steps to take back, in their order."""
        return [step for step in reversed(self.steps) if step.status != PENDING]

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON, which `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Plan:
        """Raise KeyError, TypeError or ValueError if the fields are not those of a plan."""
        steps = []
        for each in fields["steps"]:
            act = Act(**each["act"])
            undo = None if each["undo"] is None else Act(**each["undo"])
            if each["status"] not in (PENDING, BEGUN, DONE):
                raise ValueError(each["status"])
            if not {act.operation, undo.operation if undo else act.operation} <= set(RIGHTS):
                raise ValueError(act.operation)
            steps.append(Step(act, undo, each["status"]))
        names = {name: str(fields[name]) for name in ("function", "arn", "via", "name")}
        return cls(**names, steps=steps, facts=dict(fields["facts"]))
