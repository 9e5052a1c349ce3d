"""docs/tutorial/deploy.md: what people type from it exists, and its names are those of the templates."""

import re
import shlex

import click
import pytest
from samcli.cli.main import cli  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse

from documents import blocks
from processes import ROOT

PAGE = ROOT / "docs" / "tutorial" / "deploy.md"
CONSOLE = "\n".join(blocks(PAGE, "console"))
TYPED = re.findall(r"^\$ (.+)$", CONSOLE, re.MULTILINE)
WRITTEN = [line for line in TYPED if line.startswith("sam ")] + re.findall(r"`(sam [^`]+)`", PAGE.read_text())
SAM = sorted({command for line in WRITTEN for command in line.split(" && ")})
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
PROJECT = (ROOT / "templates" / "generator" / "{{cookiecutter.project_name}}" / "template.yaml").read_text()


@pytest.mark.parametrize("line", SAM)
def test_the_sam_cli_knows_the_command_and_its_options(line: str) -> None:
    command, arguments = cli, shlex.split(line)[1:]
    context = click.Context(cli, obj=True)  # with nothing there SAM loads no command
    while isinstance(command, click.Group):
        command = command.get_command(context, arguments.pop(0))
    options = {option for parameter in command.params for option in parameter.opts}

    assert {word for word in arguments if word.startswith("-")} <= options


def test_the_parameters_of_the_page_are_those_of_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    given = {name for line in SAM for name in re.findall(r"\b([A-Z]\w+)=", line)}

    assert rows == list(TEMPLATE["Parameters"])
    assert given <= set(rows)


def test_the_outputs_of_the_page_are_those_of_the_templates() -> None:
    shown = set(re.findall(r"^Key +(\w+)", CONSOLE, re.MULTILINE))
    theirs = set(re.findall(r"^  (\w+):$", PROJECT.partition("\nOutputs:")[2], re.MULTILINE))

    assert shown == {"StreamUrl", "HelloUrl", "StoryRestUrl", "StreamifyLayerArn"}
    assert shown <= theirs | set(TEMPLATE["Outputs"])


def test_the_route_of_the_page_is_the_one_of_the_template() -> None:
    (route,) = blocks(PAGE, "yaml")

    assert yaml_parse(route)["Events"] == TEMPLATE["Resources"]["StoryFunction"]["Properties"]["Events"]


def test_the_commands_that_make_runs_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for target in {words[1] for words in map(str.split, TYPED) if words[0] == "make"}:
        assert f"\n{target}:" in makefile
