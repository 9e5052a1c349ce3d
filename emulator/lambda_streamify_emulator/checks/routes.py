"""The routes of REST APIs that lead to functions, in the three forms that a template has for them.

SAM's events and CloudFormation's integrations have different words for the same thing (SAM's translator 1.115; Amazon
API Gateway Developer Guide, "Stream the integration response"):

    SAM, an event of type Api       ResponseTransferMode: RESPONSE_STREAM   TimeoutInMillis
    OpenAPI, the integration        responseTransferMode: STREAM            timeoutInMillis
    AWS::ApiGateway::Method         ResponseTransferMode: STREAM            TimeoutInMillis
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..template.document import read_document
from ..template.positions import Key, Positions
from .finding import Place
from .values import mapping_or_empty, names_in

BUFFERED = "BUFFERED"
_INTEGRATION = "x-amazon-apigateway-integration"


@dataclass(frozen=True)
class Form:
    """The words of one way to declare a route."""

    name: str
    mode_key: str
    timeout_key: str
    streaming: str
    uri_key: str | None
    """The property that says what is called; None where SAM writes it."""


SAM = Form("a SAM event", "ResponseTransferMode", "TimeoutInMillis", "RESPONSE_STREAM", None)
OPENAPI = Form("an OpenAPI definition", "responseTransferMode", "timeoutInMillis", "STREAM", "uri")
METHOD = Form("an AWS::ApiGateway::Method", "ResponseTransferMode", "TimeoutInMillis", "STREAM", "Uri")


@dataclass(frozen=True)
class TextFile:
    """A file with the positions of what is in it."""

    path: Path
    positions: Positions


@dataclass(frozen=True)
class Route:
    """A route. `path` leads to its properties in `file`; `api` and `function` are logical ids, if they are known."""

    form: Form
    label: str
    api: str | None
    function: str | None
    properties: Mapping[str, Any]
    file: TextFile
    path: tuple[Key, ...]

    @property
    def mode(self) -> Any:
        """How the response is passed on; BUFFERED if nothing says it."""
        return self.properties.get(self.form.mode_key, BUFFERED)

    @property
    def streams(self) -> bool:
        """Whether the response is passed on while it is made."""
        return bool(self.mode == self.form.streaming)

    @property
    def timeout_ms(self) -> Any:
        """How long API Gateway waits for the end of the response, in milliseconds; None if nothing says it."""
        return self.properties.get(self.form.timeout_key)

    @property
    def owner(self) -> str:
        """The logical id that a finding names."""
        return self.function or self.api or self.label

    def place(self, key: str) -> Place:
        """Where the property `key` of the route stands, or else the route."""
        return Place(self.file.path, self.file.positions.nearest((*self.path, key)))


def openapi_routes(
    file: TextFile, path: tuple[Key, ...], api: str, definition: Any, resolve: Callable[[Any], Any]
) -> Iterator[Route]:
    """The routes of an OpenAPI definition, which stands at `path` of `file`, or in a local file that it includes.

    `resolve` replaces intrinsic functions.
    """
    included = _included(file.path.parent, definition)
    if included is not None:
        text = included.read_text(encoding="utf-8")
        yield from openapi_routes(TextFile(included, Positions(text)), (), api, read_document(included), resolve)
        return
    for url_path, methods in mapping_or_empty(mapping_or_empty(definition).get("paths")).items():
        for method, operation in mapping_or_empty(methods).items():
            integration = mapping_or_empty(mapping_or_empty(operation).get(_INTEGRATION))
            if integration:
                keys = (*path, "paths", url_path, method, _INTEGRATION)
                label = f"{str(method).upper()} {url_path}"
                function = function_in(integration.get("uri"))
                yield Route(OPENAPI, label, api, function, mapping_or_empty(resolve(integration)), file, keys)


def _included(folder: Path, definition: Any) -> Path | None:
    """The local file that a DefinitionUri or AWS::Include names."""
    location = definition
    if isinstance(definition, dict) and len(definition) == 1:
        transform = mapping_or_empty(definition.get("Fn::Transform"))
        location = mapping_or_empty(transform.get("Parameters")).get("Location")
    if not isinstance(location, str) or "\0" in location:
        return None
    named = folder / location
    return named if named.is_file() else None


def function_in(uri: Any) -> str | None:
    """The logical id of the resource whose Arn the URI of an integration holds."""
    return next((name for name in names_in(uri) if not name.startswith("AWS::")), None)
