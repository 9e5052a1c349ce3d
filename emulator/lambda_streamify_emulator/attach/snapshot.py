"""What is known about a function and its surroundings, read before anything changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST = "$LATEST"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
NEXT_WRAPPER = "STREAMIFY_NEXT_WRAPPER"
INVOKE_MODE = "STREAMIFY_INVOKE_MODE"
OUR_WRAPPER = "/opt/streamify"
FUNCTION_NAME_LIMIT = 64  # characters; API reference, CreateFunction
FUNCTION_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{FUNCTION_NAME_LIMIT}}}")


@dataclass(frozen=True)
class Alias:
    """An alias; `versions` holds more than one version while its traffic is split."""

    name: str
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Version:
    """A published version."""

    number: str
    description: str


@dataclass(frozen=True)
class Url:
    """A function URL. `qualifier` is an alias or $LATEST."""

    qualifier: str
    address: str
    auth: str  # AWS_IAM or NONE
    streams: bool
    cors: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Statement:
    """A statement of the resource policy of the function or an alias."""

    qualifier: str
    id: str
    principal: str  # such as s3.amazonaws.com, an account, or *
    source: str = ""  # the ARN in its condition


@dataclass(frozen=True)
class EventSource:
    """A queue or a stream that Lambda reads for the function."""

    qualifier: str
    arn: str


@dataclass(frozen=True)
class Integration:
    """A REST or HTTP API of API Gateway that calls the function."""

    qualifier: str
    api: str
    kind: str  # REST or HTTP
    streams: bool = False


@dataclass(frozen=True)
class Function:
    """A function as it stands, with all that calls it as far as the credentials may list it."""

    name: str
    arn: str
    runtime: str = ""
    is_image: bool = False
    architecture: str = "x86_64"
    layers: tuple[str, ...] = ()
    zipped_bytes: int = 0  # code and layers
    code_bytes: int = 0  # the code alone, zipped
    variables: Mapping[str, str] = field(default_factory=dict)
    in_vpc: bool = False
    snap_start: bool = False
    isolates_tenants: bool = False
    is_durable: bool = False
    timeout_s: int = 3
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[Alias, ...] = ()
    versions: tuple[Version, ...] = ()
    urls: tuple[Url, ...] = ()
    statements: tuple[Statement, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    integrations: tuple[Integration, ...] = ()
    unread: tuple[str, ...] = ()  # what could not be read, and why
    layer_problem: str | None = None  # why the layer of --layer cannot be read
    others: Mapping[str, str | None] = field(default_factory=dict)  # a second function's name: whose second it is

    @property
    def region(self) -> str:
        """The region in its ARN."""
        return self.arn.split(":")[3]

    @property
    def wrapper(self) -> str | None:
        """The value of AWS_LAMBDA_EXEC_WRAPPER."""
        return self.variables.get(WRAPPER) or None

    def runs_latest(self, qualifier: str) -> bool:
        """Whether callers of a qualifier reach $LATEST, whose configuration an update changes at once."""
        return qualifier == LATEST or any(
            alias.name == qualifier and LATEST in alias.versions for alias in self.aliases
        )
