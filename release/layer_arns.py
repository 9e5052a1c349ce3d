"""The published versions of the layer: docs/layer-arns.json as data, and docs/layer-arns.md, the page made of it."""

import json
from pathlib import Path
from typing import Any

from .version import order

DATA, PAGE = Path("docs/layer-arns.json"), Path("docs/layer-arns.md")
_HEAD = """\
# Layer ARNs

The published layer, for functions of every account. Give a function the ARN of its region and the environment variable
`AWS_LAMBDA_EXEC_WRAPPER=/opt/streamify`; [Existing functions](guides/existing-functions.md) describes the safe order.
The same data as JSON: [layer-arns.json](layer-arns.json).
"""
_NONE = """
No version is published yet. Until then, [publish the layer](tutorial/deploy.md#the-layer-without-a-stack) in your own
account.
"""


def record(root: Path, version: str, arns: dict[str, str]) -> None:
    """Add the ARNs of a version to the data, and write the page anew."""
    published = read(root)
    published[version] = {**published.get(version, {}), **arns}
    (root / DATA).write_text(json.dumps(published, indent=2, sort_keys=True) + "\n")
    (root / PAGE).write_text(page(published))


def read(root: Path) -> dict[str, dict[str, str]]:
    """Return the ARN of each region, by version."""
    published: dict[str, dict[str, str]] = json.loads((root / DATA).read_text())
    return published


def page(published: dict[str, Any]) -> str:
    """Return the page: the newest version first."""
    sections = [_section(version, published[version]) for version in sorted(published, key=order, reverse=True)]
    return _HEAD + ("".join(sections) or _NONE)


def _section(version: str, arns: dict[str, str]) -> str:
    rows = "".join(f"| `{region}` | `{arn}` |\n" for region, arn in sorted(arns.items()))
    return f"\n## {version}\n\n| region | ARN |\n| --- | --- |\n{rows}"
