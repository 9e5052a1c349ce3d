"""What `streamify attach` and `detach` refuse, and what they say about callers, against moto. Nothing changes then."""

import json
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner, Result

from lambda_streamify_emulator.attach.aws import Aws
from lambda_streamify_emulator.attach.checking import check
from lambda_streamify_emulator.commands.cli import app
from moto_lambda import REGION, LambdaCloud, throttled
from scripted_api import WAIT, Peer, ScriptedApi, answers, reply

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"


def streamify(*arguments: str, region: str | None = REGION) -> Result:
    return CliRunner().invoke(app, [*arguments, *([] if region is None else ["--region", region])])


def refused(cloud: LambdaCloud, *options: str, name: str = "orders", layer: str = LAYER) -> str:
    """Attach in vain; return what was said, without line ends."""
    before = cloud.changes
    result = streamify("attach", name, "--layer", layer, "--yes", *options)
    assert (result.exit_code, cloud.changes) == (2, before), result.output
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_container_image_gets_the_lines_for_its_dockerfile(cloud: LambdaCloud) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/orders:1"
    cloud.function(PackageType="Image", Code={"ImageUri": image}, Runtime=None, Handler=None)

    said = refused(cloud)

    assert 'RUN pip install lambda-streamify ENTRYPOINT ["python", "-m", "lambda_streamify"]' in said


@pytest.mark.parametrize(
    ("runtime", "way_out"),
    [
        ("python3.9", "Python 3.10 or later"),
        ("nodejs22.x", "awslambda.streamifyResponse"),
        ("java21", "for functions on"),
    ],
)
def test_a_runtime_without_the_layer(cloud: LambdaCloud, runtime: str, way_out: str) -> None:
    cloud.function(Runtime=runtime)
    assert way_out in refused(cloud)


def test_a_sixth_layer(cloud: LambdaCloud) -> None:
    cloud.function(Layers=[cloud.layer(f"l{number}") for number in range(5)])
    assert "has 5 layers, and Lambda allows 5: merge two" in refused(cloud)


@pytest.mark.parametrize(
    ("tags", "tool", "line"),
    [
        ({"lambda:createdBy": "SAM"}, "SAM deploys orders", "AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify"),
        ({"Terraform": "true"}, "Terraform deploys", f'layers = ["{LAYER}"]'),
        ({"ManagedBy": "terraform"}, "Terraform deploys", 'AWS_LAMBDA_EXEC_WRAPPER = "/opt/streamify"'),
    ],
)
def test_a_function_of_a_tool_gets_the_change_to_make_there(
    cloud: LambdaCloud, tags: dict[str, str], tool: str, line: str
) -> None:
    cloud.function(Tags=tags)

    said = refused(cloud)
    forced = streamify("attach", "orders", "--layer", LAYER, "--yes", "--force")

    assert tool in said
    assert line in said
    assert forced.exit_code == 0, forced.output


def test_a_name_that_does_not_exist_suggests_one_that_does(cloud: LambdaCloud) -> None:
    cloud.function()
    assert "there is no function ordres in us-east-1; there is orders: see --region" in refused(cloud, name="ordres")


def test_a_name_with_an_alias(cloud: LambdaCloud) -> None:
    assert "name the function alone, orders" in refused(cloud, name="orders:live")


@pytest.mark.parametrize("action", ["GetFunction", "ListAliases", "GetFunctionUrlConfig", "GetPolicy"])
def test_missing_rights_name_the_action_before_anything_changes(cloud: LambdaCloud, action: str) -> None:
    cloud.function()
    cloud.refused_actions = {action}
    assert f"the credentials lack the right lambda:{action}: allow it" in refused(cloud)


def test_a_missing_right_to_list_what_is_only_told_is_a_note(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.refused_actions = {"ListEventSourceMappings"}

    result = streamify("attach", "orders", "--layer", LAYER, "--dry-run")

    assert result.exit_code == 0
    assert "lambda:ListEventSourceMappings" in result.stdout


def test_throttling_while_reading(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.refused_actions, cloud.refused = {"ListAliases"}, throttled
    assert "throttles lambda:ListAliases" in refused(cloud)


def test_a_buffered_url_on_latest_is_not_broken(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.url()
    for via in ("in-place", "alias"):
        assert "choose --via second-function, or --via in-place-buffered" in refused(cloud, "--via", via)


def test_a_buffered_url_on_an_alias_of_latest_counts_as_one_on_latest(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.client.create_alias(FunctionName="orders", Name="live", FunctionVersion="$LATEST")
    cloud.url("live")

    result = streamify("attach", "orders", "--layer", LAYER, "--dry-run")

    assert "--via second-function" in result.stdout


def test_a_streaming_url_is_not_buffered(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.url(mode="RESPONSE_STREAM")
    assert "choose --via in-place" in refused(cloud, "--via", "in-place-buffered")


def test_a_streaming_url_that_is_there_stays_when_the_function_is_detached(cloud: LambdaCloud, tmp_path: Path) -> None:
    cloud.function()
    cloud.url(mode="RESPONSE_STREAM")
    before = cloud.everything()
    attached = streamify("attach", "orders", "--layer", LAYER, "--yes", "--via", "in-place")
    (tmp_path / "streamify-attach-orders.json").unlink()

    streamify("detach", "orders", "--yes")

    assert attached.exit_code == 0
    assert cloud.everything() == before


@pytest.mark.parametrize(
    ("settings", "way_out"),
    [
        ({"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}, "asgi.handler"),
        ({"STREAMIFY_DISABLE": "1"}, "turns the layer off: remove it first"),
        ({"LONG": "x" * 4090}, "Lambda allows 4 KB"),
        ({"STREAMIFY_INVOKE_MODE": "a\tb"}, "no tag can hold"),
    ],
)
def test_variables_that_stand_in_the_way(cloud: LambdaCloud, settings: dict[str, str], way_out: str) -> None:
    cloud.function(Environment={"Variables": settings})
    assert way_out in refused(cloud)


def test_an_alias_or_a_function_that_is_somebody_elses(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.function("orders-stream")
    cloud.alias("streaming")
    assert "has an alias streaming already: choose another by --as" in refused(cloud, "--via", "alias")
    assert "there is a function orders-stream already" in refused(cloud, "--via", "second-function")
    assert "it cannot be the name of an alias" in refused(cloud, "--via", "alias", "--as", "a.b")


def test_layers_that_do_not_fit(cloud: LambdaCloud) -> None:
    cloud.function(Layers=[LAYER])
    assert "it is not the ARN of a layer's version" in refused(cloud, layer="streamify")
    assert "it is in eu-west-1" in refused(cloud, layer=LAYER.replace("us-east-1", "eu-west-1"))
    assert "there is no such version" in refused(cloud, layer=f"{LAYER}2")
    cloud.layer()
    assert f"--layer {LAYER}" in refused(cloud, layer=f"{LAYER[:-1]}2")


def test_no_layer_is_named(cloud: LambdaCloud) -> None:
    cloud.function()
    result = streamify("attach", "orders", "--yes")
    assert (result.exit_code, "--layer ARN, or publish" in result.stderr) == (2, True)


def test_a_boto3_that_is_too_old_for_a_public_url(cloud: LambdaCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.function()
    assert Aws(REGION).knows("AddPermission", "InvokedViaFunctionUrl")
    monkeypatch.setattr(Aws, "knows", lambda *_: False)
    assert "pip install --upgrade boto3" in refused(cloud, "--auth", "none")


def test_all_refusals_come_at_once_also_for_machines(cloud: LambdaCloud) -> None:
    cloud.function(Runtime="python3.9", Tags={"Terraform": "true"})
    result = streamify("attach", "orders", "--layer", LAYER, "--dry-run", "--json")
    assert (result.exit_code, len(json.loads(result.stdout)["refusals"])) == (2, 2)


# --- the credentials ------------------------------------------------------------------------------------------------


def test_no_credentials(cloud: LambdaCloud) -> None:
    with pytest.MonkeyPatch.context() as without:  # moto wants its own back
        without.delenv("AWS_ACCESS_KEY_ID")
        without.delenv("AWS_SECRET_ACCESS_KEY")
        without.setenv("AWS_EC2_METADATA_DISABLED", "true")
        without.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        assert "there are no AWS credentials" in refused(cloud)


@pytest.mark.usefixtures("cloud")
def test_no_region() -> None:
    with pytest.MonkeyPatch.context() as without:
        without.delenv("AWS_DEFAULT_REGION", raising=False)
        without.delenv("AWS_REGION", raising=False)
        result = streamify("attach", "orders", "--layer", LAYER, region=None)
    assert (result.exit_code, "there is no region: name one by --region" in result.stderr) == (2, True)


@pytest.mark.usefixtures("cloud")
def test_the_region_may_be_in_aws_region_alone_as_for_the_aws_cli() -> None:
    with pytest.MonkeyPatch.context() as only:
        only.delenv("AWS_DEFAULT_REGION", raising=False)
        only.setenv("AWS_REGION", "eu-west-3")
        result = streamify("attach", "orders", "--layer", LAYER, region=None)
    assert "there is no function orders in eu-west-3" in result.stderr


def test_no_profile_of_this_name(cloud: LambdaCloud) -> None:
    assert "--profile: The config profile (nobody) could not be found" in refused(cloud, "--profile", "nobody")


@pytest.mark.usefixtures("cloud")
def test_an_endpoint_where_nothing_answers() -> None:
    result = streamify("attach", "orders", "--layer", LAYER, "--endpoint-url", "http://127.0.0.1:9")
    assert (result.exit_code, "AWS does not answer" in result.stderr) == (2, True), result.output


# --- who calls it ---------------------------------------------------------------------------------------------------


def test_the_plan_says_who_calls_the_function_and_what_each_will_get(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.alias("live")
    cloud.url("live")
    apis = boto3.client("apigateway", region_name=REGION)
    rest = apis.create_rest_api(name="shop")["id"]
    (root,) = apis.get_resources(restApiId=rest)["items"]
    apis.put_method(restApiId=rest, resourceId=root["id"], httpMethod="GET", authorizationType="NONE")
    http = boto3.client("apigatewayv2", region_name=REGION).create_api(Name="web", ProtocolType="HTTP")["ApiId"]
    queue = boto3.client("sqs", region_name=REGION).create_queue(QueueName="q")["QueueUrl"]
    assert queue
    cloud.client.create_event_source_mapping(
        FunctionName="orders", EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q"
    )
    for number, (principal, source) in enumerate(
        [
            ("apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:123456789012:{rest}/*/GET/"),
            ("apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:123456789012:{http}/*"),
            (
                "elasticloadbalancing.amazonaws.com",
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1",
            ),
            ("sns.amazonaws.com", "arn:aws:sns:us-east-1:123456789012:t"),
        ]
    ):
        cloud.client.add_permission(
            FunctionName="orders",
            StatementId=f"s{number}",
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source,
        )

    found = json.loads(streamify("attach", "orders", "--layer", LAYER, "--dry-run", "--json").stdout)

    gets = {each["who"].partition(" (")[0]: each["gets"] for each in found["callers"]}
    assert {name for name in gets if not name.startswith("the URL")} == {
        "the REST API shop",
        "the HTTP API web",
        "a load balancer",
        "SNS",
        "the event source arn:aws:sqs:us-east-1:123456789012:q",
        "SDKs, by Invoke",
    }
    assert "a stream is collected" in gets["the HTTP API web"]
    assert next(text for who, text in gets.items() if who.startswith("the URL")).startswith("the same as before")


# --- detach ---------------------------------------------------------------------------------------------------------


def traffic(alias: str) -> None:
    boto3.client("cloudwatch", region_name=REGION).put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "Invocations",
                "Dimensions": [
                    {"Name": "FunctionName", "Value": "orders"},
                    {"Name": "Resource", "Value": f"orders:{alias}"},
                ],
                "Timestamp": datetime.now(timezone.utc) - timedelta(hours=1),
                "Value": 12,
            }
        ],
    )


def test_an_alias_that_has_traffic_is_deleted_only_with_yes(cloud: LambdaCloud) -> None:
    cloud.function()
    streamify("attach", "orders", "--layer", LAYER, "--yes", "--via", "alias")
    traffic("streaming")
    changes = cloud.changes

    asked = streamify("detach", "orders")
    shown = streamify("detach", "orders", "--dry-run")

    assert (asked.exit_code, cloud.changes) == (2, changes)
    assert "the alias streaming was called 12 times in the last 24 hours" in " ".join(asked.stderr.split())
    assert shown.exit_code == 0
    assert streamify("detach", "orders", "--yes").exit_code == 0


def test_an_alias_that_somebody_else_uses_is_deleted_only_with_yes(cloud: LambdaCloud) -> None:
    cloud.function()
    streamify("attach", "orders", "--layer", LAYER, "--yes", "--via", "alias")
    cloud.client.add_permission(
        FunctionName="orders",
        Qualifier="streaming",
        StatementId="other",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )

    result = streamify("detach", "orders")

    assert (result.exit_code, "lets sns.amazonaws.com in" in " ".join(result.stderr.split())) == (2, True)


def test_a_function_that_was_attached_by_hand_is_not_detached(cloud: LambdaCloud) -> None:
    cloud.function(Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}}, Layers=[LAYER])
    result = streamify("detach", "orders", "--yes")
    assert (result.exit_code, "not by `streamify attach`" in " ".join(result.stderr.split())) == (2, True)
    again = streamify("attach", "orders", "--layer", LAYER, "--yes")
    assert (again.exit_code, "attached already" in again.output) == (0, True)


def test_the_plan_file_of_another_function_is_refused(cloud: LambdaCloud) -> None:
    cloud.function()
    cloud.function("invoices")
    streamify("attach", "orders", "--layer", LAYER, "--yes", "--plan-file", "plan")
    result = streamify("detach", "invoices", "--yes", "--plan-file", "plan")
    assert (result.exit_code, "is the plan of" in result.stderr) == (2, True)


def test_what_others_change_meanwhile_stays(cloud: LambdaCloud) -> None:
    cloud.function(Environment={"Variables": {"A": "1"}})
    streamify("attach", "orders", "--layer", LAYER, "--yes")
    now = cloud.all_of("orders")["configuration"]
    cloud.client.update_function_configuration(
        FunctionName="orders",
        Environment={"Variables": {**now["Environment"]["Variables"], "B": "2"}},
        Layers=[*(each["Arn"] for each in now["Layers"]), cloud.layer("other")],
    )

    streamify("detach", "orders", "--yes")

    after = cloud.all_of("orders")["configuration"]
    assert after["Environment"]["Variables"] == {"A": "1", "B": "2"}
    assert [each["Arn"].split(":")[6] for each in after["Layers"]] == ["other"]


# --- --check --------------------------------------------------------------------------------------------------------


def test_check_says_that_the_new_url_did_not_stream(cloud: LambdaCloud) -> None:
    cloud.function()
    with ScriptedApi(answers(reply(200, b"whole", "Connection: close"))) as front:
        cloud.address = f"http://{front.address}/"
        result = streamify("attach", "orders", "--layer", LAYER, "--yes", "--check")

    assert result.exit_code == 1, result.output
    assert "It was not seen to stream" in result.stdout
    assert b"/us-east-1/lambda/aws4_request" in front.requests[0]


def test_check_asks_the_url_of_a_function_that_is_attached_already(cloud: LambdaCloud) -> None:
    cloud.function()
    with ScriptedApi(answers(reply(200, b"whole", "Connection: close"))) as front:
        cloud.address = f"http://{front.address}/"
        streamify("attach", "orders", "--layer", LAYER, "--yes")
        result = streamify("attach", "orders", "--yes", "--check", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["check"]["verdict"] == "piece"


@pytest.mark.usefixtures("cloud")
def test_check_says_that_a_response_streamed_whose_chunks_wait_for_their_reader() -> None:
    """Time passes only when the client has read a chunk, and only then is there a next one."""
    read: list[float] = []

    def front_end(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n")
        for number in range(6):
            while len(read) < number + 2:  # the start, the head, and each chunk before
                assert gate.wait(WAIT)
                gate.clear()
            peer.send(b"chunk")

    gate = threading.Event()

    def clock() -> float:
        read.append(float(len(read)))
        gate.set()
        return read[-1]

    with ScriptedApi(front_end) as front:
        diagnosis = check(Aws(REGION), f"http://{front.address}/", REGION, clock)

    assert diagnosis.has_streamed, diagnosis
