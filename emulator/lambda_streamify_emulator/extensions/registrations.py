"""The extensions of one sandbox: their names, events and states, without I/O.

Source: `core/registrations.go` and `rapi/handler` of AWS's Runtime Interface Emulator. Each refusal was observed there.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from .states import EXIT_ERROR, INIT_ERROR, LAUNCH_ERROR, READY, RUNNING, STARTED, TRANSITIONS, forbidden

EXTENSION_LIMIT = 10  # registered for one function: AWS Lambda Developer Guide, "Lambda Extensions API"
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Refused(Exception):
    """The extension may not do this; the answer has status 403. `error_type` is AWS's name for the reason."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass
class Extension:
    """One extension. `name` is the file name of an external one, or the name that an internal one gives itself."""

    name: str
    is_external: bool
    identifier: str = field(default_factory=lambda: str(uuid4()))
    state: str = STARTED
    events: tuple[str, ...] = ()
    """The events that it has registered for."""
    error_type: str = ""
    """The error type that it has reported, or the reason why its program could not be started."""


class Registrations:
    """The table of extensions. External ones are added before they start, internal ones register during init.

    With several invocations at a time there is no INVOKE (`core/externalagent.go` of the emulator's managed instances).
    """

    def __init__(self, *, is_concurrent: bool = False) -> None:
        self._allowed = (SHUTDOWN,) if is_concurrent else (INVOKE, SHUTDOWN)
        self.is_open = True
        """Whether extensions may still register."""
        self._extensions: dict[str, Extension] = {}

    def __iter__(self) -> Iterator[Extension]:
        return iter(self._extensions.values())

    def __len__(self) -> int:
        return len(self._extensions)

    def expect(self, name: str) -> Extension:
        """Add an external extension that is about to be started."""
        return self._add(Extension(name, is_external=True))

    def register(self, name: str, events: Iterable[str]) -> Extension:
        """Register the extension of this name, and return it. Raises Refused."""
        if not name:
            raise Refused("Extension.InvalidExtensionName", "Empty extension name")
        known = next((extension for extension in self._extensions.values() if extension.name == name), None)
        is_external = known is not None and known.is_external
        for event in events:
            if event not in self._allowed:
                raise Refused("Extension.InvalidEventType", f"{event}: ErrorInvalidEventType")
            if event == SHUTDOWN and not is_external:
                reason = "ShutdownEventNotSupportedForInternalExtension"
                raise Refused("Extension.InvalidEventType", f"{event}: {reason}")
        if known is None:
            known = self._new_internal(name)
        elif not is_external:
            self._check_open()
            raise Refused("Extension.InvalidExtensionState", "Extension with this name already registered")
        self.move(known, "register", known.name)
        known.events = tuple(dict.fromkeys(events))
        return known

    def find(self, identifier: str) -> Extension | None:
        """Return the extension with this identifier, or None. Raises Refused if it cannot be an identifier."""
        if not identifier:
            raise Refused("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        if not _UUID.fullmatch(identifier):
            raise Refused("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
        return self._extensions.get(identifier.lower())

    def move(self, extension: Extension, call: str, called: str = "") -> None:
        """Change the state of the extension, which makes this call; raises Refused if it may not make it."""
        problem = forbidden(extension.state, call, called or extension.identifier)
        if problem is not None:
            raise Refused("Extension.InvalidExtensionState", problem)
        extension.state = TRANSITIONS[extension.state][call]

    def start_event(self, extension: Extension) -> None:
        """Note that the extension has been sent an event."""
        extension.state = RUNNING

    def fail_launch(self, extension: Extension, reason: str) -> None:
        """Note that the program of the extension could not be started."""
        extension.state, extension.error_type = LAUNCH_ERROR, reason

    @property
    def are_all_registered(self) -> bool:
        """Whether each external extension has registered."""
        return all(extension.state != STARTED for extension in self._extensions.values())

    @property
    def are_all_ready(self) -> bool:
        """Whether each extension waits for an event, so that init, or an invocation, may end."""
        return all(extension.state == READY for extension in self._extensions.values())

    @property
    def has_external(self) -> bool:
        """Whether one of them runs as a process of its own."""
        return any(extension.is_external for extension in self._extensions.values())

    @property
    def has_internal(self) -> bool:
        """Whether one of them runs in the runtime's process."""
        return any(not extension.is_external for extension in self._extensions.values())

    def subscribed(self, event: str) -> list[Extension]:
        """Return the extensions that have registered for the event."""
        return [extension for extension in self._extensions.values() if event in extension.events]

    def _new_internal(self, name: str) -> Extension:
        self._check_open()
        if len(self._extensions) >= EXTENSION_LIMIT:
            raise Refused("Extension.TooManyExtensions", f"Extension limit ({EXTENSION_LIMIT}) reached")
        return self._add(Extension(name, is_external=False))

    def _check_open(self) -> None:
        if not self.is_open:
            raise Refused("Extension.RegistrationClosed", "Extension registration closed already")

    def _add(self, extension: Extension) -> Extension:
        self._extensions[extension.identifier] = extension
        return extension


_ERROR_TYPES = {
    LAUNCH_ERROR: "Extension.LaunchError",
    INIT_ERROR: "Extension.InitError",
    EXIT_ERROR: "Extension.ExitError",
}


def error_type_of(extension: Extension) -> str:
    """Return the type of the error that a sandbox ends with when this extension has ended."""
    return _ERROR_TYPES.get(extension.state, "Extension.Crash")
