"""What the template becomes on AWS: who may call what, what streams, and what the functions may do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from processes import ROOT
from sam_transform import transform

Resources = dict[str, dict[str, Any]]
PUBLIC = {"hello", "story", "replay"}  # calls of them cost next to nothing
OTHERS = {"agent", "chat", "django", "download", "export", "fastapi", "flask", "powertools"}


def transformed(**parameters: str) -> Resources:
    """Return the resources; the folders that only `sam build` knows are where `sam package` would have put them."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for key in {"CodeUri", "ContentUri"} & set(properties):
            properties[key] = f"s3://bucket/{properties[key]}"
    resources: Resources = transform(template, parameters, "us-east-1")["Resources"]
    return resources


@pytest.fixture(scope="module")
def resources() -> Resources:
    return transformed()


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def functions(resources: Resources) -> dict[str, str]:
    """Return the functions' names by their logical ids."""
    return {id_: each["FunctionName"] for id_, each in of_type(resources, "AWS::Lambda::Function").items()}


def open_to_everybody(resources: Resources, *conditions: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return the permissions of everybody on the internet, by the function's name."""
    names = functions(resources)
    found: dict[str, list[dict[str, Any]]] = {}
    for id_, permission in of_type(resources, "AWS::Lambda::Permission").items():
        if permission["Principal"] == "*" and resources[id_].get("Condition") in conditions:
            found.setdefault(names[permission["FunctionName"]["Ref"]], []).append(permission)
    return found


def test_every_sample_is_there_and_each_has_a_url_that_streams(resources: Resources) -> None:
    names = functions(resources)
    urls = of_type(resources, "AWS::Lambda::Url").values()

    assert set(names.values()) == PUBLIC | OTHERS
    assert {names[url["TargetFunctionArn"]["Ref"]] for url in urls} == PUBLIC | OTHERS
    assert {url["InvokeMode"] for url in urls} == {"RESPONSE_STREAM"}
    assert len({json.dumps(url["Cors"], sort_keys=True) for url in urls}) == 1
    assert all(url["Cors"]["AllowOrigins"] == {"Ref": "AllowOrigins"} for url in urls)


def test_everybody_may_call_the_three_that_cost_next_to_nothing(resources: Resources) -> None:
    """With both permissions: since October 2025 Lambda asks for both."""
    assert_both_permissions(open_to_everybody(resources, None), PUBLIC)


def test_one_condition_opens_the_others(resources: Resources) -> None:
    """SAM adds no permissions where a parameter says NONE: the template has them."""
    template = yaml_parse((ROOT / "template.yaml").read_text())

    assert template["Conditions"]["UrlsAreOpen"] == {"Fn::Equals": [{"Ref": "AuthType"}, "NONE"]}
    assert_both_permissions(open_to_everybody(resources, "UrlsAreOpen"), OTHERS)
    for id_, url in of_type(resources, "AWS::Lambda::Url").items():
        public = functions(resources)[id_.removesuffix("Url")] in PUBLIC
        assert url["AuthType"] == ("NONE" if public else {"Ref": "AuthType"})


def assert_both_permissions(found: dict[str, list[dict[str, Any]]], names: set[str]) -> None:
    assert set(found) == names
    for permissions in found.values():
        by_action = {permission["Action"]: permission for permission in permissions}
        assert set(by_action) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
        assert by_action["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
        assert by_action["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


def test_the_rest_api_s_route_streams_as_long_as_its_function_may_run(resources: Resources) -> None:
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    story = resources["StoryFunction"]["Properties"]
    integration = api["Body"]["paths"]["/story"]["get"]["x-amazon-apigateway-integration"]

    assert integration["responseTransferMode"] == "STREAM"
    assert integration["uri"]["Fn::Sub"].endswith("/${StoryFunction.Arn}/response-streaming-invocations")
    assert integration["timeoutInMillis"] == story["Timeout"] * 1000
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert [each["StageName"] for each in of_type(resources, "AWS::ApiGateway::Stage").values()] == ["live"]


def statements(resources: Resources) -> Iterator[dict[str, Any]]:
    for role in of_type(resources, "AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def test_a_role_may_do_named_things_to_what_the_stack_or_a_parameter_names(resources: Resources) -> None:
    for statement in statements(resources):
        actions, targets = statement["Action"], statement["Resource"]
        assert "*" not in json.dumps(actions)
        if "Condition" not in statement:
            for target in targets if isinstance(targets, list) else [targets]:
                assert "Fn::GetAtt" in target or "${" in target["Fn::Sub"].rpartition(":")[2], target


def test_a_role_has_no_other_managed_policy_than_those_for_logs_and_traces(resources: Resources) -> None:
    managed = {
        policy.rpartition("/")[2]
        for role in of_type(resources, "AWS::IAM::Role").values()
        for policy in role["ManagedPolicyArns"]
    }

    assert managed == {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}


def test_the_layer_is_for_every_supported_python_on_both_architectures_and_stays(resources: Resources) -> None:
    ((id_, layer),) = of_type(resources, "AWS::Lambda::LayerVersion").items()

    assert resources[id_]["DeletionPolicy"] == "Retain"
    assert layer["CompatibleArchitectures"] == ["x86_64", "arm64"]
    assert layer["CompatibleRuntimes"] == [f"python3.{minor}" for minor in range(10, 15)]
    assert layer["LicenseInfo"] == "Apache-2.0"
    assert all(each["Layers"] == [{"Ref": id_}] for each in of_type(resources, "AWS::Lambda::Function").values())


def test_nothing_keeps_cfn_lint_from_a_rule() -> None:
    assert "cfn-lint" not in (ROOT / "template.yaml").read_text()
    assert not list(ROOT.glob(".cfnlintrc*"))
