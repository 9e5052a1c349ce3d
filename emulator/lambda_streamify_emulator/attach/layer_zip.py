"""Publishes the layer of this package, the same bytes for the same version of it."""

from __future__ import annotations

import io
import stat
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..building.layers import installed_layer

if TYPE_CHECKING:
    from .aws import Aws

RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can say
_UNIX = 3  # PKWARE's APPNOTE 4.4.2.2


def build() -> bytes:
    """Return the zip of the layer that is installed beside this package. It holds no bytecode."""
    packed = io.BytesIO()
    with TemporaryDirectory(prefix="streamify-layer-") as scratch:
        folder = Path(scratch)
        installed_layer(folder)
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            for name, path in sorted(files.items()):
                entry = ZipInfo(name, _EARLIEST)
                entry.compress_type, entry.create_system = ZIP_DEFLATED, _UNIX
                entry.external_attr = (stat.S_IFREG | (0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)) << 16
                archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def publish(aws: Aws, layer: str) -> str:
    """Publish the layer under the name `layer`, unless a version has the same bytes; return the version's ARN."""
    content = build()
    digest = b64encode(sha256(content).digest()).decode()
    for each in aws.pages("ListLayerVersions", "LayerVersions", LayerName=layer):
        version = aws.call("GetLayerVersion", LayerName=layer, VersionNumber=each["Version"])
        if version["Content"]["CodeSha256"] == digest:
            return str(version["LayerVersionArn"])
    published = aws.call(
        "PublishLayerVersion",
        LayerName=layer,
        Description="Response streaming for Python",
        LicenseInfo="Apache-2.0",
        CompatibleRuntimes=list(RUNTIMES),
        CompatibleArchitectures=["x86_64", "arm64"],
        Content={"ZipFile": content},
    )
    return str(published["LayerVersionArn"])
