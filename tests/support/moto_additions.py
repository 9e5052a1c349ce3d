"""moto's server with what it lacks to be deployed to by the SAM CLI. As a program it prints its address and serves.

moto's files stay as they are: each addition stands in for one of its functions, and says why. A deployment to this
shows that a template transforms, that it is consistent, and what it makes of functions and layers; not that AWS
accepts it.
"""
# ruff: noqa: ARG003 - moto passes by name what not every class method wants

import json
import os
from collections.abc import Callable
from typing import Any

from moto.apigateway.models import RestAPI, apigateway_backends
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.awslambda.utils import get_backend
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.core.common_models import CloudFormationModel
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from samtranslator.yaml_helper import yaml_parse
from werkzeug.serving import make_server

from sam_transform import transform

TRANSFORM = "AWS::Serverless-2016-10-31"
NESTED = "AWS::CloudFormation::Stack"

Properties = dict[str, Any]


def standing_in(owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the decorated function in the place of a method; it gets the method that was there as its first argument."""
    before = getattr(owner, name)

    def replace(function: Callable[..., Any]) -> Callable[..., Any]:
        if hasattr(before, "__func__"):  # a class method: the class comes first again
            setattr(owner, name, classmethod(lambda _, *args, **kwargs: function(before, *args, **kwargs)))
        else:
            setattr(owner, name, lambda self, *args, **kwargs: function(before, self, *args, **kwargs))
        return function

    return replace


@standing_in(CloudFormationBackend, "create_change_set")
def create_change_set(before: Any, backend: CloudFormationBackend, *args: Any, **kwargs: Any) -> Any:
    """moto makes nothing of AWS::Serverless resources and reports success. The transform is AWS's own library."""
    kwargs["template"] = transformed(kwargs["template"], kwargs["parameters"], backend.region_name)
    return before(backend, *args, **kwargs)


def transformed(template: str, parameters: dict[str, str], region: str) -> str:
    if TRANSFORM not in template:
        return template
    result = transform(yaml_parse(template), parameters, region)
    # moto updates a nested stack whose condition is false, and fails since there is none.
    result["Resources"] = {id_: each for id_, each in result["Resources"].items() if each["Type"] != NESTED}
    for resource in result["Resources"].values():
        resource.setdefault("Properties", {})  # moto adds them later, and would take that for a change
    return json.dumps(result)


@standing_in(CloudFormationBackend, "execute_change_set")
def execute_change_set(before: Any, backend: CloudFormationBackend, change_set_name: str, stack_name: str) -> None:
    """moto gives a stack that came by a change set no Outputs, where `sam deploy --resolve-s3` finds its bucket's name.

    Nor does it keep the parameters, and then takes a deployment without a change for one.
    """
    before(backend, change_set_name, stack_name)
    sets = backend.change_sets.values()
    (change_set,) = (each for each in sets if change_set_name in (each.change_set_id, each.change_set_name))
    changed = backend.stacks[change_set.stack_id]
    changed.parameters = changed.stack_parameters
    changed._parse_template()  # noqa: SLF001
    changed.output_map = changed._create_output_map()  # noqa: SLF001


@standing_in(ResourceMap, "load_parameters")
def load_parameters(before: Any, resources: ResourceMap) -> None:
    """moto splits a CommaDelimitedList that is given but no default, and trips over one that it has split before."""
    before(resources)
    for name, spec in resources._template.get("Parameters", {}).items():  # noqa: SLF001
        if spec["Type"] == "CommaDelimitedList":
            value = resources.resolved_parameters[name]
            text = value if isinstance(value, str) else ",".join(value)
            resources.resolved_parameters[name] = text
            resources._parsed_resources[name] = text.split(",")  # noqa: SLF001


@standing_in(LambdaFunction, "create_from_cloudformation_json")
def create_function(before: Any, name: str, resource: Any, account: str, region: str, **kwargs: Any) -> LambdaFunction:
    """moto drops Layers from a stack's function when it is made, though not when it is changed."""
    function: LambdaFunction = before(name, resource, account, region, **kwargs)
    function.update_configuration({"Layers": resource["Properties"].get("Layers", [])})
    return function


@standing_in(LayerVersion, "create_from_cloudformation_json")
def create_layer_version(_: Any, name: str, resource: Any, account: str, region: str, **_kwargs: Any) -> LayerVersion:
    """moto names a stack's layer as it likes, and drops its architectures."""
    properties: Properties = resource["Properties"]
    return get_backend(account, region).publish_layer_version({"LayerName": name, **properties})


# moto has no Ref of a layer version; on AWS it is the ARN.
LayerVersion.physical_resource_id = property(lambda layer: layer.arn)  # type: ignore[attr-defined]


class FunctionUrl(CloudFormationModel):
    """moto has function URLs, but not as a resource of a stack."""

    __module__ = "moto.awslambda.models"  # it takes the service's name from here

    def __init__(self, function: LambdaFunction, properties: Properties) -> None:
        self.function = function
        if function.url_config is None:
            function.create_url_config({}).url += "/"  # AWS's has it
        # moto's own update knows no InvokeMode.
        function.get_url_config().config = {name: properties.get(name) for name in ("AuthType", "Cors", "InvokeMode")}

    @property
    def physical_resource_id(self) -> str:
        return self.function.function_arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Lambda::Url"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "FunctionUrl"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        assert attribute_name == "FunctionUrl"
        return self.function.get_url_config().url

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> "FunctionUrl":
        properties = cloudformation_json["Properties"]
        return cls(get_backend(account_id, region_name).get_function(properties["TargetFunctionArn"]), properties)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> "FunctionUrl":
        return cls(original_resource.function, cloudformation_json["Properties"])

    def delete(self, account_id: str, region_name: str) -> None:
        self.function.delete_url_config()


@standing_in(RestAPI, "create_from_cloudformation_json")
def create_rest_api(before: Any, name: str, resource: Any, account: str, region: str, **kwargs: Any) -> RestAPI:
    """moto asks for a Name and ignores the Body, which is all that SAM's API has: its title, and its methods."""
    properties = resource["Properties"]
    properties.setdefault("Name", properties["Body"]["info"]["title"])
    api: RestAPI = before(name, resource, account, region, **kwargs)
    apigateway_backends[account][region].put_rest_api(api.id, properties["Body"], fail_on_warnings=False)
    return api


def serve() -> None:
    """Serve until the process is ended."""
    # Its name, since moto knows no address by number where CloudFormation is told the URL of a template.
    server = make_server(
        "localhost",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.server_port)
    print(f"http://localhost:{server.server_port}", flush=True)  # noqa: T201 - whoever started it waits for this
    server.serve_forever()


if __name__ == "__main__":
    serve()
