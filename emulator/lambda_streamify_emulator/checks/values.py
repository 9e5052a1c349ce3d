"""Values of a template of which a check knows neither the type nor whether they can be resolved."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# AWS CloudFormation User Guide, "Get values stored in other services using dynamic references".
_DYNAMIC = "{{resolve:"
_SUBSTITUTED = re.compile(r"\$\{([\w:]+)(?:\.[\w.]+)?\}")


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping that is no intrinsic function, else an empty one: others report what is wrong."""
    return value if isinstance(value, dict) and not is_unresolved(value) else {}


def is_unresolved(value: Any) -> bool:
    """Whether `value` is an intrinsic function that could not be resolved, or is known to a deployed stack only."""
    if isinstance(value, str):
        return value.startswith(_DYNAMIC)
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (name,) = value
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")


def names_in(value: Any) -> Iterator[str]:
    """The names of parameters and resources that intrinsic functions in `value` refer to, in their order."""
    if isinstance(value, list):
        for part in value:
            yield from names_in(part)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        texts = argument if isinstance(argument, list) else [argument]
        if name == "Ref" and isinstance(argument, str):
            yield argument
        elif name == "Fn::GetAtt":
            yield str(texts[0] if texts else "").partition(".")[0]
        elif name == "Fn::Sub" and texts and isinstance(texts[0], str):
            yield from _SUBSTITUTED.findall(texts[0])
            yield from names_in(texts[1:])
        else:
            yield from names_in(argument)


def shown(value: Any) -> str:
    """`value` as a message has it: an intrinsic function in its short form."""
    if isinstance(value, dict) and is_unresolved(value):
        ((name, argument),) = value.items()
        parts = ".".join(map(str, argument)) if name == "Fn::GetAtt" and isinstance(argument, list) else argument
        return f"!{str(name).removeprefix('Fn::')} {parts}"
    return str(value)
