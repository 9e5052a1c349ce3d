"""The publication of the layer, tried on moto, a stand-in for AWS: no account, no network."""

import logging
from pathlib import Path
from typing import Any

from .errors import ReleaseError
from .publishing import publish_everywhere

Client = Any


def rehearse(archive: Path, settings: dict[str, Any], regions: list[str]) -> dict[str, str]:
    """Publish the zip twice in a moto server of our own; return the ARNs.

    Raises `ReleaseError` if the second run published again, or if another account may not use the layer.
    """
    from moto.server import ThreadedMotoServer  # imported here: it takes longer than a release that is refused

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        return _published(archive, settings, regions, f"http://{host}:{port}")
    finally:
        server.stop()


def _published(archive: Path, settings: dict[str, Any], regions: list[str], address: str) -> dict[str, str]:
    import boto3

    def client(region: str) -> Client:
        return boto3.client(
            "lambda",
            region_name=region,
            endpoint_url=address,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - nobody checks it
        )

    arns = publish_everywhere(archive, settings, regions, client)
    if publish_everywhere(archive, settings, regions, client) != arns:
        raise ReleaseError("publishing the same zip again made new versions of the layer")
    for region, arn in arns.items():
        policy = client(region).get_layer_version_policy(
            LayerName=settings["LayerName"], VersionNumber=int(arn.rpartition(":")[2])
        )["Policy"]
        if '"lambda:GetLayerVersion"' not in policy:
            raise ReleaseError(f"the layer's version in {region} is not public: {policy}")
    return arns
