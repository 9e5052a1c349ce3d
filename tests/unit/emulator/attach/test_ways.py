import json

import pytest

from lambda_streamify_emulator.attach.operations import OPERATIONS
from lambda_streamify_emulator.attach.plan import BEGUN, DONE, RIGHTS, Plan
from lambda_streamify_emulator.attach.recall import mark_done, recall
from lambda_streamify_emulator.attach.snapshot import LATEST, Alias, Function, Url
from lambda_streamify_emulator.attach.ways import WAYS, Wish, choose, make_plan

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
URL = Url(LATEST, "https://a.lambda-url.us-east-1.on.aws/", "AWS_IAM", streams=False)


def function(**known: object) -> Function:
    return Function("orders", ARN, "python3.13", **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "way"),
    [
        ({}, "in-place"),
        ({"urls": (URL,)}, "second-function"),
        ({"urls": (Url("live", "u", "NONE", streams=False),), "aliases": (Alias("live", ("1",)),)}, "alias"),
        (
            {"urls": (Url("live", "u", "NONE", streams=False),), "aliases": (Alias("live", (LATEST,)),)},
            "second-function",
        ),
        ({"isolates_tenants": True}, "in-place-buffered"),
    ],
)
def test_the_way_is_the_one_that_changes_nothing_for_callers(known: dict[str, object], way: str) -> None:
    assert choose(function(**known)) == way


def test_every_operation_of_a_plan_is_known_with_its_rights() -> None:
    assert set(OPERATIONS) == set(RIGHTS)


@pytest.mark.parametrize("via", WAYS)
def test_every_step_but_the_published_layer_and_the_last_mode_has_an_undo(via: str) -> None:
    plan = make_plan(function(), Wish(auth="NONE"), via)
    assert [step.act.operation for step in plan.steps if step.undo is None] == ["publish_layer"]


@pytest.mark.parametrize("via", WAYS)
def test_a_plan_survives_json(via: str) -> None:
    plan = make_plan(function(variables={"A": "1"}), Wish(LAYER, None, "NONE", 60), via)
    plan.steps[0].status = DONE
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


@pytest.mark.parametrize("via", WAYS)
def test_a_plan_holds_no_variable_but_those_of_the_layer(via: str) -> None:
    plan = make_plan(function(variables={"PASSWORD": "hunter2"}), Wish(LAYER), via)
    assert "hunter2" not in json.dumps(plan.as_json())


@pytest.mark.parametrize("name", ["operation", "status"])
def test_a_plan_with_an_unknown_word_is_refused(name: str) -> None:
    fields = make_plan(function(), Wish(LAYER), "in-place").as_json()
    step = fields["steps"][0]
    (step if name == "status" else step["act"])[name] = "explode"
    with pytest.raises(ValueError, match="explode"):
        Plan.from_json(fields)


def test_the_layer_and_its_variables_come_in_one_update() -> None:
    plan = make_plan(function(), Wish(LAYER), "in-place-buffered")
    (configure,) = (step.act for step in plan.steps if step.act.operation == "configure")
    assert configure.arguments["add_layer"] == LAYER
    assert configure.arguments["variables"] == {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify",
        "STREAMIFY_INVOKE_MODE": "buffered",
    }


def test_a_function_without_marks_recalls_nothing() -> None:
    assert recall(function(), "orders-stream", "AWS_IAM") is None


def test_what_is_before_the_alias_counts_as_done_when_the_alias_is_there() -> None:
    tags = {"streamify:via": "alias", "streamify:name": "streaming", "streamify:layer": LAYER, "streamify:url": "NONE"}
    attached = function(tags=tags, layers=(LAYER,), aliases=(Alias("streaming", ("3",)),))
    plan = recall(attached, "orders-stream", "AWS_IAM")
    assert plan is not None
    assert {step.status for step in plan.steps} == {BEGUN}

    mark_done(plan, attached)

    assert [step.act.operation for step in plan.steps if step.status == DONE] == [
        "tag",
        "configure",
        "publish_version",
        "create_alias",
    ]
    assert plan.facts["version"] == "3"
