"""Reads the JSON that `terraform show -json` prints of a plan or a state: its resources, and what is not known yet.

Source: Terraform's documentation, "JSON Output Format", format versions 0.x and 1.x; output of Terraform 1.11.4.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import TemplateError

MANAGED = "managed"
_SUPPORTED = re.compile(r"[01]\.[0-9]+")
_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Resource:
    """A resource, or one instance of it if it has a `count` or `for_each`.

    `unknown` has the shape of `values` with `true` at each value that is known only after `terraform apply`.
    """

    address: str
    module: str
    """The address of its module; empty for the root module."""
    type: str
    name: str
    index: str | int | None
    values: Mapping[str, Any]
    unknown: Mapping[str, Any] = field(default_factory=dict)
    mode: str = MANAGED

    @property
    def of(self) -> tuple[str, str, str]:
        """What all instances of the resource have in common: the module, the type and the name."""
        return self.module, self.type, self.name

    def is_unknown(self, *keys: str | int) -> bool:
        """Whether the value at a path of keys is known only after `terraform apply`."""
        part: Any = self.unknown
        for key in keys:
            if part is True:
                return True
            if isinstance(part, dict):
                part = part.get(str(key))
            else:
                part = part[key] if isinstance(part, list) and isinstance(key, int) and key < len(part) else None
        return part is True


def read_resources(path: Path, shown: Mapping[str, Any]) -> list[Resource]:
    """Return the resources of a plan or a state, those of all modules. Raises TemplateError for another format."""
    version = str(shown.get("format_version", ""))
    if not _SUPPORTED.fullmatch(version):
        raise TemplateError(f"{path}: its format_version is {version or 'missing'}, and the emulator reads 1.x")
    unknown = {
        change["address"]: change.get("change", {}).get("after_unknown") or {}
        for change in shown.get("resource_changes") or ()
    }
    values = shown.get("planned_values") or shown.get("values") or {}
    prior = (shown.get("prior_state") or {}).get("values") or {}
    managed = list(_resources(values.get("root_module") or {}, unknown))
    data = [found for found in _resources(prior.get("root_module") or {}, {}) if found.mode != MANAGED]
    return [*managed, *data]


def _resources(module: Mapping[str, Any], unknown: Mapping[str, Any]) -> Iterator[Resource]:
    for found in module.get("resources") or ():
        address = str(found["address"])
        after = unknown.get(address, {})
        yield Resource(
            address=address,
            module=str(module.get("address", "")),
            type=str(found.get("type")),
            name=str(found.get("name")),
            index=found.get("index"),
            values=found.get("values") or {},
            unknown=after if isinstance(after, dict) else {},
            mode=str(found.get("mode", MANAGED)),
        )
    for child in module.get("child_modules") or ():
        yield from _resources(child, unknown)


def without_indexes(address: str) -> str:
    """Return an address without the indexes of instances.

    >>> without_indexes('module.api["a"].aws_lambda_function.this[0]')
    'module.api.aws_lambda_function.this'
    """
    return _INDEX.sub("", address)
