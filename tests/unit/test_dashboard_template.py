"""deploy/dashboard.yaml: its figures are those of the records that the layer logs, and the dashboard shows them all."""

import json
import re
from typing import Any

import pytest
import yaml

from lambda_streamify.observe import COMPLETE, StreamRecord
from processes import ROOT


class Intrinsics(yaml.SafeLoader):
    """PyYAML with CloudFormation's short forms, each as its argument."""


def _argument(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


Intrinsics.add_multi_constructor("!", _argument)
PROJECT = yaml.load((ROOT / "template.yaml").read_text(), Intrinsics)  # noqa: S506 - a SafeLoader
TEMPLATE = yaml.load((ROOT / "deploy" / "dashboard.yaml").read_text(), Intrinsics)  # noqa: S506 - a SafeLoader
FILTERS = [each["Properties"] for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::Logs::MetricFilter"]
ALARMS = {id_: each["Properties"] for id_, each in TEMPLATE["Resources"].items() if each["Type"].endswith("::Alarm")}
RECORD = StreamRecord(
    request_id="a",
    outcome=COMPLETE,
    error_type=None,
    time_to_first_byte=0.1,
    duration=1.0,
    chunks=2,
    bytes=3,
    largest_gap=0.5,
    blocked=0.0,
)


def published() -> set[str]:
    """Return the names of the metrics that the filters make."""
    return {made["MetricName"] for filter_ in FILTERS for made in filter_["MetricTransformations"]}


@pytest.mark.parametrize(
    "properties", FILTERS, ids=[each["MetricTransformations"][0]["MetricName"] for each in FILTERS]
)
def test_each_field_of_a_filter_is_one_of_the_record(properties: dict[str, Any]) -> None:
    (made,) = properties["MetricTransformations"]
    fields = re.findall(r"\$\.(\w+)", properties["FilterPattern"] + made["MetricValue"])

    assert set(fields) <= {"type", *RECORD.as_dict()}
    assert fields or properties["FilterPattern"] == '"Task timed out after"'


def test_each_alarm_watches_a_metric_that_is_published_and_stands_on_the_dashboard() -> None:
    widgets = json.loads(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"])["widgets"]
    shown = next(widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")

    assert shown == [f"${{{id_}.Arn}}" for id_ in ALARMS]
    own = {each["MetricName"] for each in ALARMS.values() if each.get("Namespace") == "Streamify"}
    assert own <= published()


def test_the_dashboard_draws_every_metric_that_is_published() -> None:
    widgets = json.loads(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"])["widgets"]
    rows = [row for widget in widgets for row in widget["properties"].get("metrics", [])]

    assert {row[1] for row in rows if row[0] == "Streamify"} == published()


def test_the_projects_template_gives_it_each_parameter_that_has_no_default() -> None:
    resources = PROJECT["Resources"]
    nested = resources["AgentDashboard"]["Properties"]
    required = {name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter}

    assert ROOT / nested["TemplateURL"] == ROOT / "deploy" / "dashboard.yaml"
    assert required <= set(nested["Parameters"]) <= set(TEMPLATE["Parameters"])
    assert nested["Parameters"]["FunctionTimeout"] == str(resources["AgentFunction"]["Properties"]["Timeout"])
