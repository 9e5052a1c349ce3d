"""What a published version of the layer says of itself: the properties of the layer in template.yaml."""

from pathlib import Path
from typing import Any


def layer_settings(root: Path) -> dict[str, Any]:
    """Return the arguments of PublishLayerVersion but the content."""
    from samtranslator.yaml_helper import yaml_parse

    properties = yaml_parse((root / "template.yaml").read_text())["Resources"]["StreamifyLayer"]["Properties"]
    names = ("LayerName", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
    return {name: properties[name] for name in names}
