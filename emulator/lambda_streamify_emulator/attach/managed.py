"""Functions that a tool deploys: how its tags show it, and the change to make there instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .snapshot import NEXT_WRAPPER, OUR_WRAPPER, WRAPPER

if TYPE_CHECKING:
    from .snapshot import Function

Tags = Mapping[str, str]
_STACK = "aws:cloudformation:stack-name"
_LOGICAL_ID = "aws:cloudformation:logical-id"


@dataclass(frozen=True)
class Tool:
    """A tool, how to tell it by the tags of its functions, and how the layer and its variables are written in it."""

    name: str
    has_made: Callable[[Tags], bool]
    lines: str  # {layer} is the layer's ARN, {variables} the variables as this tool writes them
    variable: str


_YAML = """\
Layers:
  - {layer}
Environment:
  Variables:
{variables}"""
# In this order, since SAM, the CDK and the Serverless Framework deploy by CloudFormation. SAM's tag is written by its
# transform. The others are told by the logical ids and tags that they write; a function may have none of them.
TOOLS = (
    Tool("SAM", lambda tags: tags.get("lambda:createdBy") == "SAM", _YAML, "    {name}: {value}"),
    Tool(
        "the Serverless Framework",
        lambda tags: "STAGE" in tags and tags.get(_LOGICAL_ID, "").endswith("LambdaFunction"),
        "layers:\n  - {layer}\nenvironment:\n{variables}",
        "  {name}: {value}",
    ),
    Tool(
        "the CDK",
        lambda tags: bool(re.search(r"[0-9A-F]{8}$", tags.get(_LOGICAL_ID, ""))),
        'layers=[lambda_.LayerVersion.from_layer_version_arn(self, "Streamify", "{layer}")],\n'
        "environment={{\n{variables}\n}},",
        '    "{name}": "{value}",',
    ),
    Tool("CloudFormation", lambda tags: _STACK in tags, _YAML, "    {name}: {value}"),
    Tool(
        "Terraform",
        lambda tags: any(
            key.lower().replace("-", "").replace("_", "") in ("terraform", "managedby", "provisioner", "createdby")
            and ("terraform" in value.lower() or (key.lower() == "terraform" and value.lower() != "false"))
            for key, value in tags.items()
        ),
        'layers = ["{layer}"]\nenvironment {{\n  variables = {{\n{variables}\n  }}\n}}',
        '    {name} = "{value}"',
    ),
)


def refusal(function: Function, layer: str | None) -> str | None:
    """Return what to write in the tool that deploys the function; None if no tag shows one."""
    tool = next((tool for tool in TOOLS if tool.has_made(function.tags)), None)
    if tool is None:
        return None
    variables = {WRAPPER: OUR_WRAPPER}
    if function.wrapper is not None:
        variables[NEXT_WRAPPER] = function.wrapper
    written = "\n".join(tool.variable.format(name=name, value=value) for name, value in variables.items())
    lines = tool.lines.format(layer=layer or "the ARN of the layer", variables=written)
    stack = function.tags.get(_STACK)
    where = f" in the stack {stack}" if stack else ""
    return (
        f"{tool.name} deploys {function.name}{where} and would undo the change at its next deployment: "
        f"write this there instead, or attach anyway by --force\n{lines}"
    )
