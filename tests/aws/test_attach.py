"""`streamify attach` and `detach` with unmodified boto3 against moto: what they do, and that nothing is left of it."""

import json
from pathlib import Path

import pytest

from attaching import WAYS, attach, furnish, streamify
from moto_lambda import LATEST, LambdaCloud


@pytest.mark.parametrize("via", WAYS)
@pytest.mark.parametrize("auth", ["iam", "none"])
def test_detach_restores_all_that_was_there(cloud: LambdaCloud, via: str, auth: str, tmp_path: Path) -> None:
    furnish(cloud, via)
    before = cloud.everything()

    attached = attach(cloud, "--auth", auth, "--timeout", "60", via=via)
    assert attached.exit_code == 0, attached.output
    assert cloud.everything() != before
    detached = streamify("detach", "orders", "--yes")

    assert detached.exit_code == 0, detached.output
    assert cloud.everything() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("via", WAYS)
def test_detach_restores_it_from_the_tags_when_the_plan_file_is_gone(
    cloud: LambdaCloud, via: str, tmp_path: Path
) -> None:
    furnish(cloud, via)
    before = cloud.everything()
    assert attach(cloud, "--auth", "none", "--timeout", "60", via=via).exit_code == 0
    (tmp_path / "streamify-attach-orders.json").unlink()

    assert streamify("detach", "orders", "--yes").exit_code == 0

    assert cloud.everything() == before


@pytest.mark.parametrize("via", WAYS)
def test_attaching_twice_changes_nothing(cloud: LambdaCloud, via: str) -> None:
    furnish(cloud, via)
    attach(cloud, via=via)
    after, changes = cloud.everything(), cloud.changes

    again = attach(cloud)
    resumed = streamify("attach", "orders", "--resume", "--yes")

    assert (again.exit_code, resumed.exit_code, cloud.changes) == (0, 0, changes)
    assert "attached already" in again.output
    assert cloud.everything() == after


@pytest.mark.parametrize("via", WAYS)
def test_attaching_again_without_the_plan_file_changes_nothing(cloud: LambdaCloud, via: str, tmp_path: Path) -> None:
    furnish(cloud, via)
    attach(cloud, via=via)
    after, changes = cloud.everything(), cloud.changes
    (tmp_path / "streamify-attach-orders.json").unlink()

    again = attach(cloud)

    assert (again.exit_code, cloud.changes, cloud.everything()) == (0, changes, after)
    assert streamify("attach", "orders", "--resume", "--yes").exit_code == 0
    assert cloud.everything() == after


def test_detaching_twice_changes_nothing(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")
    attach(cloud)
    streamify("detach", "orders", "--yes")
    changes = cloud.changes

    again = streamify("detach", "orders", "--yes")

    assert (again.exit_code, cloud.changes) == (0, changes)
    assert "not attached" in again.output


# --- each way -------------------------------------------------------------------------------------------------------


def test_a_function_without_a_url_gets_one_in_place(cloud: LambdaCloud) -> None:
    furnish(cloud, "in-place")

    result = attach(cloud)

    found = cloud.all_of("orders")
    assert [each["Arn"].split(":")[6] for each in found["configuration"]["Layers"]] == ["otel", "streamify"]
    assert found["configuration"]["Environment"]["Variables"] == {
        "TABLE": "orders",
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify",
        "STREAMIFY_NEXT_WRAPPER": "/opt/otel-instrument",
    }
    assert (found["urls"][LATEST]["InvokeMode"], found["urls"][LATEST]["AuthType"]) == ("RESPONSE_STREAM", "AWS_IAM")
    assert found["configuration"]["Timeout"] == 7
    assert f"streams at {found['urls'][LATEST]['FunctionUrl']}" in result.output


def test_a_function_with_a_url_on_an_alias_gets_a_second_alias(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")
    before = cloud.all_of("orders")

    attach(cloud)

    found = cloud.all_of("orders")
    live, streaming = found["aliases"]
    assert live == before["aliases"][0]
    version = next(each for each in found["versions"] if each["Version"] == streaming["FunctionVersion"])
    assert version["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/streamify"
    assert "STREAMIFY_INVOKE_MODE" not in version["Environment"]["Variables"]
    assert found["configuration"]["Environment"]["Variables"]["STREAMIFY_INVOKE_MODE"] == "buffered"
    assert found["urls"]["live"] == before["urls"]["live"]
    assert found["urls"]["streaming"]["InvokeMode"] == "RESPONSE_STREAM"
    assert found["urls"]["streaming"]["Cors"] == {"AllowOrigins": ["*"]}


def test_a_function_with_a_url_on_latest_gets_a_second_function(cloud: LambdaCloud) -> None:
    furnish(cloud, "second-function")
    before = cloud.all_of("orders")

    attach(cloud, "--timeout", "60")

    assert cloud.all_of("orders") == before
    second = cloud.all_of("orders-stream")
    assert second["configuration"]["Environment"]["Variables"] == {
        "TABLE": "orders",
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify",
        "STREAMIFY_NEXT_WRAPPER": "/opt/otel-instrument",
    }
    assert (second["configuration"]["MemorySize"], second["configuration"]["Timeout"]) == (256, 60)
    assert second["configuration"]["CodeSha256"] == before["configuration"]["CodeSha256"]
    assert second["tags"] == {"team": "a", "streamify:second-function-of": "orders"}
    assert second["urls"][LATEST]["InvokeMode"] == "RESPONSE_STREAM"


def test_in_place_buffered_sets_the_mode_in_the_same_update_as_the_layer(cloud: LambdaCloud) -> None:
    furnish(cloud, "in-place-buffered")

    attach(cloud, via="in-place-buffered")

    assert cloud.calls.count("UpdateFunctionConfiguration") == 1
    variables = cloud.all_of("orders")["configuration"]["Environment"]["Variables"]
    assert variables["STREAMIFY_INVOKE_MODE"] == "buffered"


def test_a_public_url_gets_the_two_permissions(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")

    attach(cloud, "--auth", "none")

    added = [(each["Sid"], each["Action"]) for each in cloud.statements("orders", "streaming")]
    assert added == [
        ("streamify-url", "lambda:InvokeFunctionUrl"),
        ("streamify-url-invoke", "lambda:InvokeFunction"),
    ]


def test_the_layer_of_the_package_is_published_once(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.function("invoices")

    first = streamify("attach", "orders", "--publish", "--yes")
    second = streamify("attach", "invoices", "--publish", "--yes")

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    versions = cloud.client.list_layer_versions(LayerName="streamify")["LayerVersions"]
    assert [each["LayerVersionArn"] for each in versions] == [f"{cloud.layer_arn[:-1]}2", cloud.layer_arn]
    assert streamify("detach", "orders", "--yes").exit_code == 0
    assert cloud.all_of("orders")["configuration"].get("Layers", []) == []


def test_the_update_is_waited_for_before_the_version_is_published(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")

    attach(cloud)

    updated = cloud.calls.index("UpdateFunctionConfiguration")
    assert "GetFunction" in cloud.calls[updated : cloud.calls.index("PublishVersion", updated)]


# --- the plan comes first -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("via", WAYS)
def test_a_dry_run_changes_nothing_and_prints_the_steps_with_their_rights(
    cloud: LambdaCloud, via: str, tmp_path: Path
) -> None:
    furnish(cloud, via)
    before, changes = cloud.everything(), cloud.changes

    result = attach(cloud, "--dry-run", via=via)

    assert (result.exit_code, cloud.changes, cloud.everything()) == (0, changes, before)
    assert "[lambda:" in result.stdout
    assert f"--via {via}" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_nothing_changes_if_the_user_says_no(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")
    changes = cloud.changes

    result = streamify("attach", "orders", "--layer", cloud.layer_arn, input="n\n")

    assert (result.exit_code, cloud.changes) == (1, changes)
    assert "create the alias streaming" in result.stdout


def test_the_plan_and_the_result_are_json_for_machines(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")

    planned = json.loads(attach(cloud, "--dry-run", "--json").stdout)
    done = json.loads(attach(cloud, "--json").stdout)

    assert planned["via"] == "alias"
    assert planned["steps"][1]["rights"] == ["lambda:UpdateFunctionConfiguration", "lambda:GetLayerVersion"]
    assert "the URL" in planned["callers"][0]["who"]
    assert done["changed"] is True
    assert done["url"] == cloud.all_of("orders")["urls"]["streaming"]["FunctionUrl"]
    assert json.loads(streamify("detach", "orders", "--yes", "--json").stdout)["changed"] is True


@pytest.mark.usefixtures("cloud")
def test_json_does_not_ask() -> None:
    result = streamify("attach", "orders", "--json")
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)
