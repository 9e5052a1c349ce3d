"""The software bill of materials: CycloneDX 1.6 as JSON, the same bytes for the same release."""

import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement

from .building import digests

PRODUCT = "lambda-streamify"
LICENSE = "Apache-2.0"


def bill_of_materials(folder: Path, version: str) -> str:
    """Return the bill of materials of the files in `folder`: the files, and the packages that the extras ask for.

    The layer and the wheel depend on no package; what an extra asks for is listed as optional.
    """
    (wheel,) = folder.glob("*.whl")
    files = [_file(name, digest) for name, digest in digests(folder).items()]
    packages = [_optional(requirement) for requirement in _requirements(wheel)]
    product = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{PRODUCT}@{version}",
        "name": PRODUCT,
        "version": version,
        "licenses": [{"license": {"id": LICENSE}}],
        "purl": f"pkg:pypi/{PRODUCT}@{version}",
    }
    components = sorted(files + packages, key=lambda component: str(component["bom-ref"]))
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, json.dumps(components)).urn,
        "version": 1,
        "metadata": {"component": product},
        "components": components,
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": []}],
    }
    return json.dumps(bill, indent=2) + "\n"


def _file(name: str, digest: str) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": hashes}


def _optional(requirement: Requirement) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{requirement.name}",
        "name": requirement.name,
        "purl": f"pkg:pypi/{requirement.name.lower()}",
        "scope": "optional",
        "description": str(requirement).replace('"', "'"),
    }


def _requirements(wheel: Path) -> Iterable[Requirement]:
    (metadata,) = importlib.metadata.MetadataPathFinder.find_distributions(
        importlib.metadata.DistributionFinder.Context(path=[str(wheel)])
    )
    return map(Requirement, metadata.requires or [])
