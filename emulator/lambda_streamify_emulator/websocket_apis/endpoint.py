"""Tells the functions of WebSocket APIs where `@connections` is on this machine.

Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints": the variable is read by boto3 and the other
SDKs. On AWS, a template sets it to the API's address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ..template.reader import Function
from ..web.sigv4 import Credentials

ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
CA_BUNDLE = "AWS_CA_BUNDLE"


def with_endpoints(
    functions: Iterable[Function],
    urls: Mapping[str, str],
    credentials: Credentials | None,
    ca_bundle: Path | None = None,
) -> list[Function]:
    """Return the functions, with the variables that lead to the URLs: those of stages, by the functions' names.

    A function without credentials of its own gets `credentials`, because boto3 signs every request. `ca_bundle` is for
    https: a file with the certificates of the CAs that boto3 trusts.
    """
    return [
        replace(function, environment=_environment(function, urls[function.name], credentials, ca_bundle))
        if function.name in urls
        else function
        for function in functions
    ]


def make_ca_bundle(own: Path, path: Path) -> Path:
    """Write the certificates that boto3 trusts, and our own, to a new file."""
    import botocore.httpsession

    path.write_bytes(Path(botocore.httpsession.where()).read_bytes() + b"\n" + own.read_bytes())
    return path


def _environment(
    function: Function, url: str, credentials: Credentials | None, ca_bundle: Path | None
) -> dict[str, str]:
    variables = dict(function.environment)
    if credentials is not None and "AWS_ACCESS_KEY_ID" not in variables:
        variables |= {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        }
    if ca_bundle is not None:
        variables[CA_BUNDLE] = str(ca_bundle)
    return variables | {ENDPOINT: url}
