"""The errors of the emulator. Each message is one line that names the object, the value and the fix.

EmulatorError
├── TemplateError           the template is missing or invalid
├── BuildError              a layer or a function cannot be built
├── InterpreterError        no Python for a function's runtime is installed
├── EngineError             there is no Docker engine that can run a function's image
├── AddressError            a port is not available
├── TlsError                there is no certificate for https
├── EndpointError           an endpoint does not answer as Lambda or an emulator would
├── NoUrlError              a function has no URL
├── PreludeError            a streamed response has no valid prelude
├── RemappedHeaderError     a response has a header that function URLs reserve for renamed headers
├── MultiValueHeadersError  a streamed response has multiValueHeaders, which function URLs do not accept
├── RecordingFileError      a recording is missing, invalid or damaged
├── FaultError              an option of a replay is invalid, or does not fit the recording
├── PlotError               a picture cannot be drawn or written
├── LoadError               a load test cannot run
├── RequestOptionError      an option that describes an HTTP request is not valid
├── LogFileError            the log file cannot be opened
├── AttachError             the layer cannot be attached to a function on AWS, or detached
├── ReplayedError           a replayed stream ends in its recorded error
├── ReplayedDisconnect      a replayed stream breaks off where its connection did
└── ReplayNotReleased       a replay in lockstep waits too long for its release
"""


class EmulatorError(Exception):
    """Base class of all errors that the emulator raises on purpose."""


class TemplateError(EmulatorError):
    """The template is missing or invalid, or refers to something that does not exist."""


class BuildError(EmulatorError):
    """A layer or a function cannot be built."""


class InterpreterError(EmulatorError):
    """No Python for a function's runtime is installed."""


class EngineError(EmulatorError):
    """There is no Docker engine that can run a function's image."""


class AddressError(EmulatorError):
    """A port is not available."""


class TlsError(EmulatorError):
    """There is no certificate for https, neither to show nor to trust."""


class EndpointError(EmulatorError):
    """An endpoint does not answer, or not as Lambda or an emulator would."""


class NoUrlError(EmulatorError):
    """A function has no URL."""


class PreludeError(EmulatorError):
    """A streamed response does not begin with status, headers and eight NUL bytes."""


class RemappedHeaderError(EmulatorError):
    """A response has a header whose name function URLs reserve for renamed headers."""


class MultiValueHeadersError(EmulatorError):
    """A streamed response has the field multiValueHeaders, which function URLs do not accept."""


class RecordingFileError(EmulatorError):
    """A recording is missing, or the file is not a recording or is damaged."""


class FaultError(EmulatorError):
    """An option of a replay is invalid, or does not fit the recording."""


class ReplayedError(EmulatorError):
    """The recorded stream ends in an error. It is raised after all chunks before the error.

    `error_type` and `message` are those of the recording.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}" if message else error_type)
        self.error_type = error_type
        self.message = message


class ReplayedDisconnect(EmulatorError):
    """The connection of the recorded stream breaks. It is raised after all chunks before the break."""


class ReplayNotReleased(EmulatorError):
    """A replay in lockstep has waited too long for `release()`."""


class PlotError(EmulatorError):
    """A picture cannot be drawn or written."""


class LoadError(EmulatorError):
    """A load test cannot run."""


class RequestOptionError(EmulatorError):
    """An option that describes an HTTP request is not valid, or does not fit the others."""


class LogFileError(EmulatorError):
    """The log file cannot be opened."""


class AttachError(EmulatorError):
    """The layer cannot be attached to a function on AWS, or detached from it."""
