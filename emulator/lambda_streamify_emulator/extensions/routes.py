"""The calls of the Extensions API, the Telemetry API and the Logs API, beside those of the Runtime API.

Sources: AWS Lambda Developer Guide, "Lambda Extensions API" and "Lambda Telemetry API"; for the order of the checks and
the wording of refusals, the observed answers of AWS's Runtime Interface Emulator.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..account import ACCOUNT_ID
from ..invocations.limits import Limits
from ..runtime_api.connection import Call, Refusal, RuntimeConnection
from ..runtime_api.wire import ACCEPTED, Answer, Head, error_answer, method_not_allowed
from ..template.reader import Function
from .registrations import Extension, Refused, Registrations
from .subscription import LOGS, TELEMETRY, Api, InvalidSubscription, read_subscription
from .telemetry import Telemetry

_PREFIX = "/2020-01-01/extension/"
IDENTIFIER, NAME = "lambda-extension-identifier", "lambda-extension-name"
ERROR_TYPE, FEATURES = "lambda-extension-function-error-type", "lambda-extension-accept-feature"
_SUBSCRIPTIONS = {"/2022-07-01/telemetry": TELEMETRY, "/2020-08-15/logs": LOGS}
_METHODS = {"register": "POST", "event/next": "GET", "init/error": "POST", "exit/error": "POST"}


@dataclass(frozen=True)
class Hooks:
    """The callbacks by which a sandbox follows its extensions."""

    on_waiting: Callable[[Extension], None]
    """Called when an extension has asked for its next event."""
    on_registered: Callable[[Extension], None]
    """Called when an extension has registered."""
    on_error_reported: Callable[[Extension], None]
    """Called when an extension has reported an error, after which it should end."""
    on_subscribed: Callable[[Extension, Api], None]
    """Called when an extension has subscribed to one of the two APIs."""


class ExtensionsApi:
    """Answers the extensions of one sandbox on the connections of its Runtime API."""

    def __init__(
        self, function: Function, registrations: Registrations, telemetry: Telemetry, hooks: Hooks, limits: Limits
    ) -> None:
        self.function = function
        self.registrations = registrations
        self.telemetry = telemetry
        self.hooks = hooks
        self.limits = limits
        self._waiting: dict[str, RuntimeConnection] = {}

    def open(self, connection: RuntimeConnection, head: Head) -> Call | None:
        """Return the call for a request with this head; None if its path belongs to another API."""
        path, _, _ = head.target.partition("?")
        if (api := _SUBSCRIPTIONS.get(path)) is not None:
            return self._checked(head, "PUT", lambda extension: _Subscribe(self, extension, api))
        name = path.removeprefix(_PREFIX)
        if name == path or name not in _METHODS:
            return None
        method = _METHODS[name]
        if name == "register":
            return _Register(self, head) if head.method == method else Refusal(method_not_allowed(method))
        if name == "event/next":
            return self._checked(head, method, lambda extension: _Next(self, connection, extension))
        return self._checked(head, method, lambda extension: _Report(self, head, extension, name))

    def disconnected(self, connection: RuntimeConnection) -> None:
        """Forget a closed connection. An event for its extension is lost, as it is on Lambda."""
        for identifier in [name for name, waiting in self._waiting.items() if waiting is connection]:
            del self._waiting[identifier]

    def wait(self, extension: Extension, connection: RuntimeConnection) -> None:
        """Answer the connection of the extension, which has called /event/next, when there is an event."""
        self.registrations.move(extension, "next")
        self._waiting[extension.identifier] = connection
        self.hooks.on_waiting(extension)

    def send(self, extension: Extension, event: Mapping[str, Any]) -> None:
        """Send an event to an extension, which waits for one."""
        self.registrations.start_event(extension)
        connection = self._waiting.pop(extension.identifier, None)
        if connection is not None:
            headers = {"Content-Type": "application/json", "Lambda-Extension-Event-Identifier": str(uuid4())}
            connection.answer(Answer(200, json.dumps(event, separators=(",", ":")).encode(), headers))

    def _checked(self, head: Head, method: str, call: Callable[[Extension], Call]) -> Call:
        """Return the call of the extension that a request names, or the refusal of the request."""
        if head.method != method:
            return Refusal(method_not_allowed(method))
        identifier = head.headers.get(IDENTIFIER, "")
        try:
            extension = self.registrations.find(identifier)
        except Refused as refused:
            return Refusal(_refusal(refused))
        return call(extension) if extension is not None else Refusal(_unknown(identifier, head.target))


class _Next(Call):
    """GET /extension/event/next: it is answered when there is an event."""

    def __init__(self, api: ExtensionsApi, connection: RuntimeConnection, extension: Extension) -> None:
        self._api = api
        self._connection = connection
        self._extension = extension

    def done(self, trailers: Mapping[str, str]) -> Answer | None:
        try:
            self._api.wait(self._extension, self._connection)
        except Refused as refused:
            return _refusal(refused)
        return None


class _WithBody(Call):
    """A call whose body is read as a whole."""

    def __init__(self, api: ExtensionsApi) -> None:
        self._api = api
        self._body = bytearray()

    def body(self, data: bytes) -> None:
        limit = self._api.limits.error
        self._body += data
        if len(self._body) > limit:
            message = f"Exceeded maximum allowed payload size ({limit} bytes)."
            self.refusal = error_answer(413, "RequestEntityTooLarge", message)

    def done(self, trailers: Mapping[str, str]) -> Answer:
        try:
            return self._answer(bytes(self._body))
        except Refused as refused:
            return _refusal(refused)

    @abstractmethod
    def _answer(self, body: bytes) -> Answer:
        """Return the answer to a call with this body. Raises Refused."""


class _Register(_WithBody):
    """POST /extension/register."""

    def __init__(self, api: ExtensionsApi, head: Head) -> None:
        super().__init__(api)
        self._name = head.headers.get(NAME, "")
        self._features = {feature.strip() for feature in head.headers.get(FEATURES, "").split(",")}

    def _answer(self, body: bytes) -> Answer:
        if not self._name:  # the name is checked before the body
            self._api.registrations.register(self._name, ())
        extension = self._api.registrations.register(self._name, _events(body))
        function = self._api.function
        properties = {"functionName": function.name, "functionVersion": "$LATEST", "handler": function.handler}
        if "accountId" in self._features:
            properties["accountId"] = ACCOUNT_ID
        self._api.hooks.on_registered(extension)
        headers = {"Content-Type": "application/json", "Lambda-Extension-Identifier": extension.identifier}
        return Answer(200, json.dumps(properties, separators=(",", ":")).encode() + b"\n", headers)


class _Report(_WithBody):
    """POST /extension/init/error and /extension/exit/error."""

    def __init__(self, api: ExtensionsApi, head: Head, extension: Extension, name: str) -> None:
        super().__init__(api)
        self._extension = extension
        self._name = name
        self._error_type = head.headers.get(ERROR_TYPE, "")

    def _answer(self, body: bytes) -> Answer:
        if not self._error_type:
            raise Refused("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        self._api.registrations.move(self._extension, self._name)
        self._extension.error_type = self._extension.error_type or self._error_type
        self._api.hooks.on_error_reported(self._extension)
        return ACCEPTED


class _Subscribe(_WithBody):
    """PUT /2022-07-01/telemetry and /2020-08-15/logs."""

    def __init__(self, api: ExtensionsApi, extension: Extension, kind: Api) -> None:
        super().__init__(api)
        self._extension = extension
        self._kind = kind

    def _answer(self, body: bytes) -> Answer:
        telemetry, kind, name = self._api.telemetry, self._kind, self._extension.name
        if not telemetry.is_open:
            raise Refused(f"{kind.name}.SubscriptionClosed", f"{kind.name} API subscription is closed")
        try:
            subscription = read_subscription(body, kind)
        except InvalidSubscription as error:
            return error_answer(400, kind.validation_error, str(error))
        before = telemetry.subscription(name)
        if before is not None and before.api is not kind:
            problem = f"{name} has subscribed to the {before.api.name} API already"
            return error_answer(400, kind.validation_error, problem)
        telemetry.subscribe(name, subscription)
        if before is None:
            self._api.hooks.on_subscribed(self._extension, kind)
        return Answer(200, b'"OK"')


def _events(body: bytes) -> list[str]:
    """Return the events in the body of a registration. Raises Refused; the messages are not those of Go's JSON."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("InvalidRequestFormat", f"the body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise Refused("InvalidRequestFormat", "the body is not a JSON object")
    events = request.get("events") or []
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise Refused("InvalidRequestFormat", "events is not a list of names")
    if request.get("configurationKeys"):
        raise Refused("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
    return events


def _unknown(identifier: str, target: str) -> Answer:
    message = "Unknown Lambda-Extension-Identifier" if "/error" in target else f"Unknown extension {identifier}"
    return error_answer(403, "Extension.UnknownExtensionIdentifier", message)


def _refusal(refused: Refused) -> Answer:
    return error_answer(403, refused.error_type, refused.message)
