"""Where the code of a function and the content of a layer lie on this machine.

Sources: AWS SAM specification, "CodeUri", "InlineCode" and "ContentUri"; the SAM CLI 1.170, for which a missing CodeUri
is the template's folder; AWS CLI Command Reference, "cloudformation package", for local paths in CloudFormation's own
resources; AWS CloudFormation Template Reference, "AWS::Lambda::Function Code", for ZipFile; the CDK's cx-api, for
`aws:asset:path`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..caching.archives import unpack_once
from ..caching.cache import build_once
from ..errors import TemplateError
from .intrinsics import unresolved
from .values import mapping

TEMPLATE_FOLDER = "."
_ASSET = "aws:asset:path"
# Lambda writes inline code to this file, so the handler is index.NAME.
_INLINE_FILES = {"python": "index.py", "nodejs": "index.js"}


class ForeignError(Exception):
    """A function is valid, but the emulator cannot run it."""


@dataclass(frozen=True)
class Content:
    """The files of a function or a layer; `is_built` means that nothing must be installed or built."""

    folder: Path
    is_built: bool


def sam_code(path: Path, logical_id: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> Content:
    """Return the code of an AWS::Serverless::Function in the template at `path`; its properties are resolved."""
    if properties.get("InlineCode") is not None:
        return inline_code(properties["InlineCode"], properties.get("Runtime"))
    return content(path, logical_id, "CodeUri", resource, properties.get("CodeUri", TEMPLATE_FOLDER))


def lambda_code(path: Path, logical_id: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> Content:
    """Return the code of an AWS::Lambda::Function."""
    code = properties.get("Code")
    if isinstance(code, dict) and code.get("ZipFile") is not None:
        return inline_code(code["ZipFile"], properties.get("Runtime"))
    return content(path, logical_id, "Code", resource, code)


def inline_code(text: Any, runtime: Any) -> Content:
    """Return a folder in the cache with this source text. Raises ForeignError if Lambda takes none for the runtime."""
    name = next((file for kind, file in _INLINE_FILES.items() if str(runtime).startswith(kind)), None)
    if name is None:
        raise ForeignError(f"its code is inline, which the runtime {runtime} does not take")
    if not isinstance(text, str):
        raise ForeignError("its inline code needs a value that only a deployed stack has")
    data = text.encode("utf-8", "surrogatepass")
    key = sha256(name.encode() + data).hexdigest()[:16]
    # An edit to the code is an edit to the template, so the folder is complete.
    return Content(build_once(f"inline-{key}", lambda folder: _write(folder / name, data)), is_built=True)


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def content(path: Path, logical_id: str, key: str, resource: Mapping[str, Any], value: Any) -> Content:
    """Return the folder or .zip file in the property `key` of a resource, relative to the template at `path`.

    It is already built if it is an archive, if `sam build` has put it beside the template that it writes, or if the CDK
    has.
    """
    metadata = mapping(f"{path}: {logical_id}: Metadata", resource.get("Metadata"))
    asset = metadata.get(_ASSET)
    if isinstance(asset, str) and not isinstance(value, str):
        found = content(path, logical_id, f"Metadata {_ASSET}", {}, asset)
        return Content(found.folder, is_built=True)  # the CDK uploads its assets as they are
    if (shown := unresolved(value)) is not None:
        raise TemplateError(f"{path}: {logical_id}: its {key} is {shown}, which cannot be resolved here")
    if not isinstance(value, str):
        raise TemplateError(f"{path}: {logical_id}: it has no {key} that is a folder on this machine")
    named = path.parent / value
    if named.suffix == ".zip" and named.is_file():
        return Content(unpack_once(named), is_built=True)
    if not named.is_dir():
        raise TemplateError(f"{path}: {logical_id}: its {key} {value} is neither a folder nor a .zip file")
    # `sam build` records the resource's id. Paths of what it has built are within its own folder, other paths are not.
    is_beside = not Path(value).is_absolute() and ".." not in Path(value).parts
    return Content(named.resolve(), is_built="SamResourceId" in metadata and is_beside)
