"""The guides to existing functions: what people copy from them is well formed, and names what there is."""

import ast
import re
import shlex
import shutil
import subprocess
from typing import Any

import botocore.session
import pytest
import yaml

from documents import blocks
from processes import ROOT

COMMANDS = ROOT / "docs" / "guides" / "existing-functions.md"
PAGE = ROOT / "docs" / "guides" / "existing-functions" / "by-hand.md"
SHELL = blocks(PAGE, "sh")
(TEMPLATE,) = blocks(PAGE, "yaml")
(CDK,) = blocks(PAGE, "py")
(TERRAFORM,) = blocks(PAGE, "hcl")


class Intrinsics(yaml.SafeLoader):
    """PyYAML with CloudFormation's short forms, each as its argument."""


Intrinsics.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


@pytest.mark.parametrize("script", SHELL, ids=range(len(SHELL)))
def test_the_commands_are_shell(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


CALLS = re.findall(r"aws lambda [^\n)]*", "\n".join(SHELL).replace("\\\n", " "))


def test_every_command_of_the_page_is_looked_at() -> None:
    assert len(CALLS) == "".join(SHELL).count("aws ") != 0


@pytest.mark.parametrize("call", CALLS)
def test_the_aws_cli_knows_the_command_and_its_options(call: str) -> None:
    _, _, name, *arguments = shlex.split(call)
    if name == "wait":
        name = {"function-updated": "get-function-configuration"}[arguments.pop(0)]
    model = botocore.session.get_session().get_service_model("lambda")
    shape: Any = model.operation_model(name.title().replace("-", "")).input_shape
    given = {word.removeprefix("--").title().replace("-", "") for word in arguments if word.startswith("--")}
    given -= {"Query", "Output"}  # of the CLI itself
    renamed = {"ZipFile": "Content"}  # the CLI takes an inner member for an option

    assert {renamed.get(option, option) for option in given} <= set(shape.members)
    assert set(shape.required_members) <= {renamed.get(option, option) for option in given}


def test_the_template_adds_a_second_function_and_leaves_the_first_one_alone() -> None:
    template = yaml.load(TEMPLATE, Intrinsics)  # noqa: S506 - a SafeLoader
    old, new = (resource["Properties"] for resource in template["Resources"].values())

    assert {name: new[name] for name in old if name != "FunctionUrlConfig"} == {
        name: old[name] for name in old if name != "FunctionUrlConfig"
    }
    assert not {"Layers", "Environment"} & set(old)
    assert new["Environment"]["Variables"] == {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}
    assert (old["FunctionUrlConfig"].get("InvokeMode"), new["FunctionUrlConfig"]["InvokeMode"]) == (
        None,
        "RESPONSE_STREAM",
    )


def test_sam_knows_what_stands_in_the_template() -> None:
    from boto3 import Session
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    def translated(text: str) -> Any:
        template = yaml_parse(text.replace("orders/", "s3://bucket/orders.zip"))  # where `sam package` puts it
        return Translator({}, Parser(), boto_session=Session(region_name="us-east-1")).translate(template, {})

    streaming = translated(TEMPLATE)["Resources"]["OrdersStreamFunctionUrl"]["Properties"]
    assert (streaming["InvokeMode"], streaming["AuthType"]) == ("RESPONSE_STREAM", "AWS_IAM")
    with pytest.raises(InvalidDocumentException):
        translated(TEMPLATE.replace("Timeout:", "TimeOut:"))


def test_the_stack_of_the_cdk_is_python() -> None:
    names = {node.name for node in ast.walk(ast.parse(CDK)) if isinstance(node, ast.ClassDef)}
    assert names == {"OrdersStack"}


def test_the_terraform_code_is_formatted_as_terraform_does_it() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("there is no `terraform` on the PATH")
    formatted = subprocess.run([terraform, "fmt", "-"], input=TERRAFORM, capture_output=True, text=True, check=True)

    assert formatted.stdout == TERRAFORM


@pytest.mark.parametrize("snippet", [*SHELL, TEMPLATE, CDK, TERRAFORM], ids=lambda text: text.split("\n")[0])
def test_a_snippet_that_adds_the_layer_sets_the_wrapper(snippet: str) -> None:
    adds_layer = bool(re.search(r"--layers|^ +Layers:|layers *=", snippet, re.MULTILINE))

    assert adds_layer == ("/opt/streamify" in snippet)


@pytest.mark.parametrize("name", ["attach", "detach"])
def test_the_page_names_every_option_of_the_commands(name: str) -> None:
    import typer

    from lambda_streamify_emulator.commands.cli import app

    command: Any = typer.main.get_command(app)
    options = {option for each in command.commands[name].params for option in each.opts if option.startswith("--")}

    assert {option for option in options if option not in COMMANDS.read_text()} == {"--help"} & options


def test_the_exit_statuses_of_the_page_are_those_of_the_code() -> None:
    from lambda_streamify_emulator.commands.attach_session import NOT_STREAMED, STOPPED

    statuses = dict(re.findall(r"^\| (\d+) \| ([^|]*) \|$", COMMANDS.read_text(), re.MULTILINE))
    assert list(statuses) == ["0", "1", "2", "3", "130"]
    assert "--check" in statuses[str(NOT_STREAMED)]
    assert "half-way" in statuses[str(STOPPED)]
