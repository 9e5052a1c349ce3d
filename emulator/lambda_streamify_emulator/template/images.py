"""Reads the container image of a function whose PackageType is Image.

Sources: AWS SAM specification, "AWS::Serverless::Function", ImageUri and ImageConfig, and its Metadata for images;
AWS CloudFormation Template Reference, "AWS::Lambda::Function ImageConfig"; for what `sam build` writes, the SAM CLI
1.170.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .contents import ForeignError
from .intrinsics import unresolved
from .values import IMPOSSIBLE, kind, mapping

IMAGE = "Image"  # the PackageType


@dataclass(frozen=True)
class Image:
    """A container image, and what its function's ImageConfig overrides; None where the image's own value counts."""

    uri: str
    """Its name for Docker, such as "hello:latest"."""
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None
    is_built_by_sam: bool = False
    """Whether `sam build` makes it, so that no registry has it."""


def read_image(path: Path, logical_id: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> Image:
    """Return the image of a function in the template at `path`; its properties are resolved.

    Raises TemplateError if it is not valid, and ForeignError if `sam build` has not built it yet.
    """
    where = f"{path}: {logical_id}"
    code = properties.get("Code")
    uri = properties.get("ImageUri", code.get("ImageUri") if isinstance(code, dict) else None)
    metadata = mapping(f"{where}: Metadata", resource.get("Metadata"))
    is_built_by_sam = "Dockerfile" in metadata or "DockerContext" in metadata
    if uri is None and is_built_by_sam:
        template = ".aws-sam/build/template.yaml"
        raise ForeignError(f"its image is not built: run `sam build`, and serve {template}")
    if (shown := unresolved(uri)) is not None:
        raise TemplateError(f"{where}: its ImageUri is {shown}, which cannot be resolved here")
    # Docker would take a name that begins with - as an option.
    if not isinstance(uri, str) or not uri or uri.startswith("-") or IMPOSSIBLE.search(uri):
        raise TemplateError(f"{where}: it has no ImageUri")
    config = mapping(f"{where}: ImageConfig", properties.get("ImageConfig"))
    folder = config.get("WorkingDirectory")
    if folder is not None and (not isinstance(folder, str) or IMPOSSIBLE.search(folder)):
        raise TemplateError(f"{where}: ImageConfig: WorkingDirectory: it is {kind(folder)} instead of text")
    return Image(
        uri,
        _words(f"{where}: ImageConfig: EntryPoint", config.get("EntryPoint")),
        _words(f"{where}: ImageConfig: Command", config.get("Command")),
        folder,
        is_built_by_sam,
    )


def _words(where: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise TemplateError(f"{where}: it is {kind(value)} instead of a list")
    for word in value:
        if not isinstance(word, str) or IMPOSSIBLE.search(word):
            raise TemplateError(f"{where}: it contains {unresolved(word) or kind(word)} instead of text")
    return tuple(value)
