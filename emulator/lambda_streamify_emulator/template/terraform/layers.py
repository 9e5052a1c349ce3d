"""The layers of functions: those of the plan or state by their content, others by their ARNs."""

import re
from collections.abc import Sequence
from typing import Any

from ...account import ACCOUNT_ID, REGION
from ...errors import TemplateError
from ..declaration import Resources
from ..intrinsics import UNKNOWN
from .code import CodeFinder
from .references import References
from .shown import MANAGED, Resource

LAYER = "aws_lambda_layer_version"
_STREAMIFY = "streamify"
_INSTALLED = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer:{_STREAMIFY}:1"


class LayerFinder:
    """Finds the layers of functions among `resources`."""

    def __init__(self, code: CodeFinder, resources: Sequence[Resource], references: References) -> None:
        self._code = code
        self._references = references
        self._by_arn = {
            str(found.values["arn"]): found
            for found in resources
            if found.mode == MANAGED and found.type == LAYER and found.values.get("arn")
        }
        self._used: Resources = {}

    def template(self) -> Resources:
        """Return the layers that functions use, by their logical ids."""
        return self._used

    def of(self, function: Resource) -> list[Any]:
        """Return references to the layers of a function, in their order."""
        arns = function.values.get("layers")
        known = list(arns) if isinstance(arns, list) else []
        if not any(function.is_unknown("layers", index) for index in range(len(known) + 1)):
            return [self._known(arn) for arn in known]
        new = iter(self._references.targets(function, "layers", LAYER))
        marks = function.unknown.get("layers")
        count = len(marks) if isinstance(marks, list) else 0
        found = []
        for index in range(max(count, len(known))):
            arn = known[index] if index < len(known) else None
            found.append(self._next(new, function) if arn is None else self._known(arn))
        if not found:  # the whole list is not known yet
            found = [self._reference(layer) for layer in new]
        return found or [{UNKNOWN: f"{function.address}.layers"}]

    def _next(self, new: Any, function: Resource) -> Any:
        layer = next(new, None)
        return {UNKNOWN: f"{function.address}.layers"} if layer is None else self._reference(layer)

    def _known(self, arn: Any) -> Any:
        layer = self._by_arn.get(str(arn))
        return arn if layer is None else self._reference(layer)

    def _reference(self, layer: Resource) -> Any:
        """Return what stands in the property Layers of a function; the layer is then one of the template."""
        try:
            content = str(self._code.place(layer))
        except TemplateError as error:
            if layer.values.get("layer_name") == _STREAMIFY:
                return _INSTALLED
            raise TemplateError(f"its layer {layer.address}: {error}") from error
        id_ = "layer-" + re.sub(r"[^A-Za-z0-9_-]+", "-", layer.address).strip("-")[:240]
        self._used[id_] = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": content}}
        return {"Ref": id_}
