"""The layer in each region, for everybody: PublishLayerVersion and AddLayerVersionPermission.

Running it again is safe: a region whose newest version has the same bytes keeps it, and its permission.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

Client = Any  # boto3 makes its classes when it runs

STATEMENT = "public"


def publish_everywhere(
    archive: Path, settings: dict[str, Any], regions: Iterable[str], client: Callable[[str], Client]
) -> dict[str, str]:
    """Publish the zip in each region and let every account use it; return the version's ARN by region.

    `client` gives a boto3 client of Lambda for a region.
    """
    content = archive.read_bytes()
    return {region: _publish(client(region), content, settings) for region in regions}


def _publish(client: Client, content: bytes, settings: dict[str, Any]) -> str:
    name = settings["LayerName"]
    version = _newest_with(client, name, content)
    if version is None:
        version = client.publish_layer_version(**settings, Content={"ZipFile": content})
    number = version["Version"]
    # An earlier run may have added it.
    with suppress(client.exceptions.ResourceConflictException):
        client.add_layer_version_permission(
            LayerName=name,
            VersionNumber=number,
            StatementId=STATEMENT,
            Action="lambda:GetLayerVersion",
            Principal="*",
        )
    return str(version["LayerVersionArn"])


def _newest_with(client: Client, name: str, content: bytes) -> dict[str, Any] | None:
    """Return the newest version if it has these bytes."""
    newest = client.list_layer_versions(LayerName=name, MaxItems=1)["LayerVersions"]
    if not newest:
        return None
    version: dict[str, Any] = client.get_layer_version(LayerName=name, VersionNumber=newest[0]["Version"])
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return version if version["Content"]["CodeSha256"] == digest else None
