"""Asks the new URL once, and judges whether its response streamed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..analysis.doctor import REQUEST_HEADERS, Diagnosis, diagnose
from ..analysis.symptoms import examine
from ..clients.signing import remember, signer_of
from ..clients.url_client import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from .aws import Aws


def check(aws: Aws, url: str, region: str, clock: Callable[[], float] = time.monotonic) -> Diagnosis:
    """Send one GET, signed with the credentials of the caller if the URL asks for it. Raises EndpointError."""
    signer = signer_of(aws.session, region)
    if signer is not None:
        remember(url, signer)
    return diagnose(None, examine("client", ask(url, headers=REQUEST_HEADERS, clock=clock)))
