from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape

from lambda_streamify_emulator.descriptions import description, url_description
from scripted_pool import FUNCTION

MODEL = ServiceModel(Loader().load_service_model("lambda", "service-2"))


def shape_of(name: str) -> StructureShape:
    shape = MODEL.shape_for(name)
    assert isinstance(shape, StructureShape)
    return shape


def test_a_description_has_only_fields_that_sdks_know() -> None:
    assert set(description(FUNCTION)) <= set(shape_of("FunctionConfiguration").members)


def test_a_urls_description_has_only_fields_that_sdks_know_and_all_that_must_be_there() -> None:
    shape = shape_of("GetFunctionUrlConfigResponse")
    found = url_description(FUNCTION, "http://127.0.0.1:4001/")

    assert set(shape.required_members) <= set(found) <= set(shape.members)
    assert found["InvokeMode"] == "RESPONSE_STREAM"
