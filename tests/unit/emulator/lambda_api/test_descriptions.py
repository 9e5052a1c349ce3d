from dataclasses import replace

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape

from lambda_streamify_emulator.lambda_api.descriptions import description, url_description
from lambda_streamify_emulator.template.reader import Layer
from scripted_pool import FUNCTION

MODEL = ServiceModel(Loader().load_service_model("lambda", "service-2"))


def shape_of(name: str) -> StructureShape:
    shape = MODEL.shape_for(name)
    assert isinstance(shape, StructureShape)
    return shape


def test_a_description_has_only_fields_that_sdks_know() -> None:
    assert set(description(FUNCTION)) <= set(shape_of("FunctionConfiguration").members)


def test_a_function_without_variables_has_no_environment() -> None:
    assert "Environment" not in description(FUNCTION)
    assert description(replace(FUNCTION, environment={"A": "b"}))["Environment"] == {"Variables": {"A": "b"}}


def test_layers_are_named_by_arns() -> None:
    function = replace(FUNCTION, layers=(Layer("StreamifyLayer", None),))

    assert description(function)["Layers"] == [{"Arn": "arn:aws:lambda:us-east-1:123456789012:layer:StreamifyLayer:1"}]


def test_a_urls_description_has_only_fields_that_sdks_know_and_all_that_must_be_there() -> None:
    shape = shape_of("GetFunctionUrlConfigResponse")
    found = url_description(FUNCTION, "http://127.0.0.1:4001/")

    assert set(shape.required_members) <= set(found) <= set(shape.members)
    assert found["InvokeMode"] == "RESPONSE_STREAM"
    assert (found["AuthType"], "Cors" in found) == ("NONE", False)


@pytest.mark.parametrize("cors", [{"AllowOrigins": ["*"], "MaxAge": 60}])
def test_a_urls_description_says_who_may_call_it(cors: dict[str, object]) -> None:
    found = url_description(replace(FUNCTION, auth_type="AWS_IAM", cors=cors), "http://127.0.0.1:4001/")

    assert (found["AuthType"], found["Cors"]) == ("AWS_IAM", cors)
    assert set(cors) <= set(shape_of("Cors").members)
