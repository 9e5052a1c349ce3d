"""Whether the layer and the variable that starts it come together, for Python functions that stream."""

from collections.abc import Iterator

from .finding import ERROR, Finding, Rule
from .functions import NEXT_WRAPPER, OUR_WRAPPER, WRAPPER
from .project import Project
from .values import is_unresolved

NO_LAYER = Rule("no-layer", ERROR, "A Python function streams, and has neither the layer nor another wrapper.")
NO_WRAPPER = Rule("no-wrapper", ERROR, "The function has the layer, and `AWS_LAMBDA_EXEC_WRAPPER` does not start it.")
NO_LAYER_FOR_WRAPPER = Rule(
    "wrapper-without-layer",
    ERROR,
    "`AWS_LAMBDA_EXEC_WRAPPER` is `/opt/streamify`, and no layer of the function has it.",
)
RULES = (NO_LAYER, NO_WRAPPER, NO_LAYER_FOR_WRAPPER)
_LINE = f"{WRAPPER}: {OUR_WRAPPER}"


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject. Other runtimes than Python's stream by themselves, or not at all."""
    for function in project.functions.values():
        wrapper = function.wrapper
        if not function.is_python or is_unresolved(wrapper) or is_unresolved(function.properties.get("Environment")):
            continue
        layers = ", ".join(layer.name for layer in function.layers) or "none"
        at_layers = project.place(function.id, "Layers")
        at_wrapper = project.place(function.id, "Environment", "Variables", WRAPPER)
        if function.has_our_layer and wrapper is None:
            yield NO_WRAPPER.found(
                at_wrapper,
                function.id,
                f"it has the layer, and no {WRAPPER}: AWS's own runtime starts, which does not stream",
                _LINE,
            )
        elif function.has_our_layer and wrapper != OUR_WRAPPER:
            yield NO_WRAPPER.found(
                at_wrapper,
                function.id,
                f"it has the layer, and {WRAPPER} is {wrapper}: the layer is not started",
                f"{_LINE} and {NEXT_WRAPPER}: {wrapper}",
            )
        elif function.layers_are_known and not function.has_our_layer and wrapper == OUR_WRAPPER:
            yield NO_LAYER_FOR_WRAPPER.found(
                at_wrapper,
                function.id,
                f"{WRAPPER} is {OUR_WRAPPER}, and none of its layers is streamify ({layers}): it does not start "
                "(exit status 127)",
                "Layers: [!Ref StreamifyLayer]",
            )
        elif function.layers_are_known and not function.has_our_layer and wrapper is None and function.streams:
            yield NO_LAYER.found(
                at_layers,
                function.id,
                f"it streams, and none of its layers is streamify ({layers}): AWS's own Python runtime does not stream",
                f"Layers: [!Ref StreamifyLayer] and {_LINE}",
            )
