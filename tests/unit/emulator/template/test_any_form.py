"""Whatever stands at a place of serverless.yml or of Terraform's JSON, functions are served or the file is refused."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.checks.run import check_template
from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.reader import load_template
from terraform_output import function, plan, resource

SERVICE = yaml.safe_load("""
service: s
frameworkVersion: "4"
useDotenv: true
provider:
  name: aws
  runtime: python3.12
  stage: ${opt:stage, 'dev'}
  environment: {A: "${self:custom.a}", B: {Ref: Table}}
  httpApi: {payload: "2.0", cors: {allowedOrigins: ["*"]}}
  apiGateway: {binaryMediaTypes: ["*/*"]}
  ecr: {images: {one: {uri: x}}}
plugins: [a]
package: {artifact: .}
params: {default: {p: 1}}
custom: {a: b}
layers: {tools: {path: ., package: {artifact: .}}}
functions:
  tell:
    handler: app.handler
    timeout: ${param:p}
    environment: {C: d}
    layers: [{Ref: ToolsLambdaLayer}]
    url: {invoke: RESPONSE_STREAM, authorizer: {type: aws_iam}, cors: {allowedOrigins: ["*"], maxAge: 1}}
    events:
      - http: {path: /a, method: get, cors: {origins: ["*"], headers: [a], maxAge: 5}, response: {transferMode: X}}
      - httpApi: {path: /a, method: get}
      - http: GET b
    package: {artifact: .}
    vpc: {}
  image: {image: {uri: one}}
resources:
  Resources: {Table: {Type: AWS::DynamoDB::Table}}
  extensions: {TellLambdaFunctionUrl: {Properties: {InvokeMode: BUFFERED}}}
""")
_REFERENCE = {"references": ["module.m.arn", "var.x", "aws_lambda_function.tell.arn", "aws_lambda_layer_version.l.arn"]}
PLAN = plan(
    function(
        "tell",
        filename="a.zip",
        environment=[{"variables": {"A": "b"}}],
        layers=["arn:aws:lambda:us-east-1:1:layer:streamify:1"],
        vpc_config=[{}],
    ),
    resource("aws_lambda_layer_version.l", {"layer_name": "l", "filename": "a.zip", "arn": "arn:l"}),
    resource("aws_lambda_function_url.tell", {"invoke_mode": "BUFFERED", "cors": [{"allow_origins": ["*"]}]}),
    unknown={
        "aws_lambda_function.tell": {"layers": [False, True], "environment": [{"variables": {"C": True}}]},
        "aws_lambda_function_url.tell": {"function_name": True},
    },
    configuration={
        "root_module": {
            "resources": [
                {"address": "aws_lambda_function_url.tell", "expressions": {"function_name": _REFERENCE}},
                {"address": "aws_lambda_function.tell", "expressions": {"layers": _REFERENCE}},
            ],
            "module_calls": {"m": {"expressions": {}, "module": {"outputs": {"arn": {"expression": _REFERENCE}}}}},
        }
    },
    data=[resource("data.archive_file.a", {"source_dir": ".", "output_path": "a.zip"}, mode="data")],
    modules=[{"address": "module.m", "resources": []}],
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "a", "${self:custom}", "${self:}", "${", "tell", "."]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "Ref", "type"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = part = copy.deepcopy(document)
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return changed


def served_or_refused(name: str, text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            load_template(path)
            check_template(path)
        except TemplateError as error:
            assert "\n" not in str(error)  # noqa: PT017 - one of two valid outcomes


@given(st.sampled_from(list(places(SERVICE))), values)
def test_any_service_is_served_or_refused(path: tuple[Any, ...], value: Any) -> None:
    served_or_refused("serverless.yml", yaml.safe_dump(with_value(SERVICE, path, value)))


@given(st.sampled_from(list(places(PLAN))), values)
def test_any_plan_is_served_or_refused(path: tuple[Any, ...], value: Any) -> None:
    served_or_refused("plan.json", json.dumps(with_value(PLAN, path, value)))


def test_what_is_changed_is_served_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "serverless.yml").write_text(yaml.safe_dump(SERVICE))
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))

    names = [
        {function.name for function in load_template(tmp_path / name).functions}
        for name in ("serverless.yml", "plan.json")
    ]

    assert names == [{"s-dev-tell", "s-dev-image"}, {"tell"}]
