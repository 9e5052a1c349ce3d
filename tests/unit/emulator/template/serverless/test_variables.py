from pathlib import Path
from typing import Any

import pytest
import yaml

from lambda_streamify_emulator.template.serverless.variables import Variables

DOCUMENT = """
service: stories
provider: {stage: prod}
params:
  default: {model: small, size: 1}
  prod: {model: large}
stages:
  prod: {params: {extra: x}}
custom:
  name: a
  nested: {a: {deep: [1, two]}}
  reference: ${self:custom.name}-b
  port: 80
  flag: true
  nothing: null
  secret: ${ssm:/x}
  first: ${self:custom.second}
  second: ${self:custom.first}
"""


def resolved(value: Any, *, folder: Path = Path(), document: str = DOCUMENT, **options: str) -> Any:
    return Variables(folder / "serverless.yml", yaml.safe_load(document), options).resolve(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${self:custom.name}", "a"),
        ("x-${self:custom.name}-${self:custom.port}", "x-a-80"),
        ("${self:custom.port}", 80),
        ("${self:custom.flag}", True),
        ("is ${self:custom.flag}", "is true"),
        ("${self:custom.nested}", {"a": {"deep": [1, "two"]}}),
        ("${self:custom.nested.a.deep.1}", "two"),
        ("${self:custom.reference}", "a-b"),
        ("${self:custom.nested.${self:custom.name}.deep.0}", 1),
        ("${self:custom.none, 'default'}", "default"),
        ("${self:custom.none, self:custom.name}", "a"),
        ('${opt:stage, "x, y"}', "x, y"),
        ("${opt:none, 5}", 5),
        ("${opt:none, 1.5}", 1.5),
        ("${opt:none, false}", False),
        ("${opt:none, null}", None),
        ("${opt:none, ${self:custom.port}}", 80),
        ("${opt:none, 'a-${self:custom.name}'}", "a-a"),
        ("${sls:stage}", "prod"),
        ("${self:provider.stage}", "prod"),
        ("${param:model}", "large"),
        ("${param:size}", 1),
        ("${param:extra}", "x"),
        ("${aws:region}", "us-east-1"),
        ("${self:provider.region}", "us-east-1"),
        ("${strToBool(true)}", True),
        ("${strToBool(${self:custom.flag})}", True),
        ("${AWS::Region}", "${AWS::Region}"),
        ({"a": ["${self:custom.name}"]}, {"a": ["a"]}),
    ],
)
def test_a_variable_has_the_first_value_that_is_there(text: Any, value: Any) -> None:
    assert resolved(text) == value


def test_options_come_before_the_document() -> None:
    assert resolved("${opt:stage} ${sls:stage} ${param:model}", stage="test", model="own") == "test test own"
    assert resolved("${param:model}", stage="test") == "small"


def test_variables_of_the_shell_and_of_dotenv_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "shell")
    (tmp_path / ".env").write_text("MINE=file\nOTHER=file\n")
    text = "${env:MINE} ${env:OTHER, 'none'}"

    assert resolved(text, folder=tmp_path) == "shell none"
    assert resolved(text, folder=tmp_path, document="useDotenv: true") == "shell file"
    assert resolved(text, folder=tmp_path, document="frameworkVersion: '^4.1'") == "shell file"


def test_parts_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("names: {a: '${opt:who}'}\n")
    (tmp_path / "broken.json").write_text("{")

    assert resolved("${file(more.yml):names.a}", folder=tmp_path, who="me") == "me"
    assert resolved("${file(./more.yml)}", folder=tmp_path, who="me") == {"names": {"a": "me"}}
    assert resolved("${file(none.yml), 'default'}", folder=tmp_path) == "default"
    for text in ("${file(broken.json)}", "${file(more.js)}", "${file(more.yml):other}"):
        assert resolved(text, folder=tmp_path, who="me") == {"Fn::Unknown": text}


@pytest.mark.parametrize(
    "text",
    [
        "${ssm:/x}",
        "a-${ssm:/x}",
        "${ssm:/x, 'default'}",
        "${cf:stack.Output}",
        "${self:custom.none}",
        "${env:NO_SUCH_VARIABLE}",
        "${self:custom.secret}",
        "${self:custom.nested}-b",
        "${self:custom.name",
        "${strToBool(perhaps)}",
    ],
)
def test_what_cannot_be_known_here_keeps_its_text(text: str) -> None:
    assert resolved(text) == {"Fn::Unknown": text}


def test_a_circle_ends() -> None:
    with pytest.raises(RecursionError):
        resolved("${self:custom.first}")
