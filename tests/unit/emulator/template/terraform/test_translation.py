import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from lambda_streamify_emulator.checks.run import check_template
from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.layers import Layer
from lambda_streamify_emulator.template.reader import Template, load_template
from terraform_output import function, plan, resource, state

URL = "aws_lambda_function_url.tell"
STREAMIFY = "arn:aws:lambda:us-east-1:1:layer:streamify:7"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    archive(tmp_path / "app.zip", "app.py")
    return tmp_path


def archive(path: Path, name: str) -> Path:
    with ZipFile(path, "w") as opened:
        opened.writestr(name, "def handler(event, context): ...\n")
    return path


def load(folder: Path, shown: Mapping[str, Any], layers: Mapping[str, Path] | None = None) -> Template:
    path = folder / "plan.json"
    path.write_text(json.dumps(shown))
    return load_template(path, layers=layers)


def url(**values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"authorization_type": "NONE", "invoke_mode": "BUFFERED", "cors": [], "qualifier": None}
    return resource(URL, {**defaults, **values})


def test_a_function_of_a_state_runs_from_its_archive(folder: Path) -> None:
    cors = {"allow_origins": ["*"], "allow_methods": ["GET"], "max_age": 60, "allow_credentials": False}
    tell = function(
        "tell",
        timeout=60,
        memory_size=512,
        reserved_concurrent_executions=2,
        environment=[{"variables": {"A": "b"}}],
        layers=[STREAMIFY],
    )
    target = url(
        function_name="arn:aws:lambda:eu-west-1:1:function:tell",
        invoke_mode="RESPONSE_STREAM",
        authorization_type="AWS_IAM",
        cors=[cors],
    )
    template = load(folder, state(tell, target))

    (found,) = template.functions
    assert (found.name, found.handler, found.runtime) == ("tell", "app.handler", "python3.12")
    assert (found.timeout, found.memory, found.reserved_concurrency) == (60, 512, 2)
    assert (found.invoke_mode, found.auth_type) == ("RESPONSE_STREAM", "AWS_IAM")
    assert found.cors == {"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 60, "AllowCredentials": False}
    assert (found.environment, found.layers) == ({"A": "b"}, (Layer("streamify", None),))
    assert (found.is_built, (found.code / "app.py").is_file()) == (True, True)
    assert (template.left_out, template.unresolved) == ((), ())


@pytest.mark.parametrize(
    ("config", "unknown", "expected"),
    [
        ({"per_execution_environment_max_concurrency": 12}, {}, 12),
        ({"per_execution_environment_max_concurrency": None}, {}, 32),
        ({"execution_environment_memory_gib_per_vcpu": 4}, {"capacity_provider_arn": True}, 16),
        ({}, {"per_execution_environment_max_concurrency": True}, 32),
    ],
)
def test_a_function_on_managed_instances_says_how_many_invocations_run_at_a_time(
    folder: Path, config: dict[str, Any], unknown: dict[str, bool], expected: int
) -> None:
    inner = "lambda_managed_instances_capacity_provider_config"
    tell = function("tell", memory_size=4096, capacity_provider_config=[{inner: [config]}])
    after = {"aws_lambda_function.tell": {"capacity_provider_config": [{inner: [unknown]}]}}
    template = load(folder, plan(tell, function("other", capacity_provider_config=[]), unknown=after))

    assert [found.max_concurrency for found in template.functions] == [expected, None]
    assert ("per_execution_environment_max_concurrency" in str(template.unresolved)) == (expected == 32 and not config)


def test_functions_of_modules_are_found_and_have_logical_ids_of_their_own(folder: Path) -> None:
    nested = {**function("this", function_name="two"), "address": 'module.a["x"].module.b.aws_lambda_function.this'}
    inner = {"address": 'module.a["x"].module.b', "resources": [nested]}
    outer = {"address": 'module.a["x"]', "child_modules": [inner]}
    shown = state(function("one"), function('many["a"]', function_name="a"), modules=[outer])

    functions = load(folder, shown).functions

    assert [(found.name, found.logical_id) for found in functions] == [
        ("one", "one"),
        ("a", "many-a"),
        ("two", "module-a-x-module-b-aws_lambda_function-this"),
    ]


def test_the_function_of_a_url_is_found_in_the_configuration_if_its_arn_is_not_known_yet(folder: Path) -> None:
    named = {"references": ["aws_lambda_function.tell.arn", "aws_lambda_function.tell"]}
    block = {"address": URL, "expressions": {"function_name": named}}
    shown = plan(
        function("tell"),
        function("other"),
        url(invoke_mode="RESPONSE_STREAM"),
        unknown={URL: {"function_name": True}},
        configuration={"root_module": {"resources": [block]}},
    )

    assert [found.invoke_mode for found in load(folder, shown).functions] == ["RESPONSE_STREAM", None]


def test_a_url_whose_function_is_not_known_is_named(folder: Path) -> None:
    template = load(folder, plan(function("tell"), url(), unknown={URL: {"function_name": True}}))

    assert template.functions[0].invoke_mode is None
    assert template.left_out == (
        "aws_lambda_function_url-tell is left out: its TargetFunctionArn is no function that is served",
    )


def test_values_that_are_not_known_yet_are_named(folder: Path) -> None:
    tell = function("tell", environment=[{"variables": {"A": "b"}}])
    unknown = {"environment": [{"variables": {"TABLE": True}}], "arn": True}
    shown = plan(
        tell,
        function("secret"),
        unknown={
            "aws_lambda_function.tell": unknown,
            "aws_lambda_function.secret": {"handler": True},
        },
    )
    template = load(folder, shown)

    (found,) = template.functions
    assert (found.environment, found.unset) == ({"A": "b"}, ("TABLE",))
    assert "aws_lambda_function.tell.environment.TABLE" in template.unresolved
    assert template.left_out == (
        "secret is left out: its Handler is aws_lambda_function.secret.handler, which cannot be resolved here",
    )


def test_a_new_layer_is_found_in_the_configuration(folder: Path) -> None:
    archive(folder / "layer.zip", "python/tool.py")
    layer = resource("aws_lambda_layer_version.tools", {"layer_name": "tools", "filename": "layer.zip"})
    named = {"references": ["aws_lambda_layer_version.tools.arn", "aws_lambda_layer_version.tools"]}
    block = {"address": "aws_lambda_function.tell", "expressions": {"layers": named}}
    configuration = {"root_module": {"resources": [block]}}

    def layers(values: Any, *, unknown: Any) -> list[str]:
        after = {"aws_lambda_function.tell": {"layers": unknown}}
        shown = plan(function("tell", layers=values), layer, unknown=after, configuration=configuration)
        return [used.logical_id for used in load(folder, shown).functions[0].layers]

    tools = "layer-aws_lambda_layer_version-tools"
    assert layers(None, unknown=True) == [tools]
    assert layers([STREAMIFY, None], unknown=[False, True]) == ["streamify", tools]
    assert layers([STREAMIFY], unknown=[False]) == ["streamify"]


def test_a_layer_of_a_state_is_found_by_its_arn(folder: Path) -> None:
    archive(folder / "layer.zip", "python/tool.py")
    arn = "arn:aws:lambda:us-east-1:1:layer:tools:1"
    layer = resource("aws_lambda_layer_version.tools", {"layer_name": "tools", "filename": "layer.zip", "arn": arn})

    (found,) = load(folder, state(function("tell", layers=[arn]), layer)).functions[0].layers

    assert found.content is not None
    assert (found.content / "python" / "tool.py").is_file()


def test_a_layer_that_is_not_there(folder: Path) -> None:
    mine = resource("aws_lambda_layer_version.s", {"layer_name": "streamify", "filename": "none.zip", "arn": "arn:s"})
    other = resource("aws_lambda_layer_version.t", {"layer_name": "tools", "filename": "none.zip", "arn": "arn:t"})
    foreign = "arn:aws:lambda:us-east-1:1:layer:foreign:1"
    given = {foreign: folder}
    functions = [function("a", layers=["arn:s"]), function("b", layers=["arn:t"]), function("c", layers=[foreign])]

    template = load(folder, state(*functions, mine, other), given)

    assert [(found.name, found.layers) for found in template.functions] == [
        ("a", (Layer("streamify", None),)),
        ("c", (Layer(foreign, folder),)),
    ]
    (notice,) = template.left_out
    assert notice == (
        "aws_lambda_function.b is left out: its layer aws_lambda_layer_version.t: its filename none.zip is not there: "
        "build it first, and run this in Terraform's folder"
    )


def test_the_folder_that_terraform_packs_is_used_in_place(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "requirements.txt").write_text("a\n")
    packed = resource(
        "data.archive_file.app", {"type": "zip", "source_dir": "./src", "output_path": "./made.zip"}, mode="data"
    )
    shown = plan(function("tell", filename="./made.zip"), data=[packed])

    (found,) = load(folder, shown).functions

    assert (found.code, found.is_built) == (folder / "src", True)  # Terraform installs no requirements either


def test_what_cannot_be_served_is_named_and_the_rest_is_served(folder: Path) -> None:
    (folder / "text.zip").write_text("text")
    shown = state(
        function("tell"),
        function("stored", filename=None, s3_bucket="b", s3_key="k"),
        function("text", filename="text.zip"),
        function("picture", filename=None, package_type="Image", image_uri="1.dkr.ecr/x:1", handler="", runtime=""),
        resource("aws_apigatewayv2_api.api", {}),
        resource("data.aws_lambda_function.theirs", {"function_name": "theirs"}, mode="data"),
    )
    template = load(folder, shown)

    images = {found.name: found.image and found.image.uri for found in template.functions}
    assert images == {"tell": None, "picture": "1.dkr.ecr/x:1"}
    told = "\n".join(template.left_out)
    assert "aws_lambda_function.stored is left out: its code is in S3 (s3://b/k)" in told
    assert "aws_lambda_function.text is left out: its filename" in told
    assert "aws_apigatewayv2_api.api is left out: the emulator serves no HTTP APIs of Terraform" in told
    assert len(template.left_out) == 3


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (state(), "it has no aws_lambda_function that can be served$"),
        (state(function("a", filename="none.zip")), "served; aws_lambda_function.a is left out: its filename none.zip"),
        (plan(function("a"), unknown={"aws_lambda_function.a": {"filename": True}}), "only after `terraform apply`"),
        ({**state(), "format_version": "2.0"}, "its format_version is 2.0, and the emulator reads 1.x"),
        ({**state(), "format_version": None}, "its format_version is None"),
        ({**state(), "values": {"root_module": {"resources": [{}]}}}, "cannot be read as a template: 'address'"),
    ],
)
def test_what_is_not_valid_is_named(folder: Path, shown: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        load(folder, shown)


def test_an_empty_state_has_no_values(folder: Path) -> None:
    with pytest.raises(TemplateError, match="it has no aws_lambda_function"):
        load(folder, {"format_version": "1.0", "terraform_version": "1.11.4"})


def test_the_check_knows_the_functions(folder: Path) -> None:
    stream = url(function_name="tell", invoke_mode="RESPONSE_STREAM")
    path = folder / "plan.json"
    path.write_text(json.dumps(state(function("tell", layers=[STREAMIFY]), stream)))

    found = check_template(path)

    assert [(finding.rule, finding.resources) for finding in found] == [
        ("no-wrapper", ("tell",)),
        ("short-timeout", ("tell",)),
    ]
