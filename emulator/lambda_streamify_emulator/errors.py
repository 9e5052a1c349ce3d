"""The errors of the emulator. Each message names the thing, the value and the way out, in one line.

EmulatorError
├── TemplateError           the template, or what it names
├── BuildError              a layer or a function that cannot be put together
├── InterpreterError        no Python for a function's runtime
├── AddressError            a port that cannot be had
├── EndpointError           nothing useful answers where an emulator or Lambda should
├── PreludeError            a streamed response that does not begin as a function URL needs it
├── RemappedHeaderError     a response with a header that function URLs keep for those that they rename
├── RecordingFileError      a recording that is not there, or is none
├── FaultError              an option of a replay that makes no sense, or cannot happen in this recording
├── PlotError               a picture that cannot be drawn, or written
├── LoadError               a load test that cannot be run
├── ReplayedError           the error that ends a recorded stream, in its replay
├── ReplayedDisconnect      the connection that breaks in a recorded stream, in its replay
└── ReplayNotReleased       a replay in lockstep that nobody lets go on
"""


class EmulatorError(Exception):
    """Base of everything that the emulator raises on purpose."""


class TemplateError(EmulatorError):
    """The template is missing or wrong, or names what does not exist."""


class BuildError(EmulatorError):
    """A layer or a function cannot be put together."""


class InterpreterError(EmulatorError):
    """There is no Python for a function's runtime."""


class AddressError(EmulatorError):
    """A port cannot be had."""


class EndpointError(EmulatorError):
    """Nothing useful answers at the endpoint."""


class PreludeError(EmulatorError):
    """A streamed response does not begin with status, headers and eight NUL bytes."""


class RemappedHeaderError(EmulatorError):
    """A response has a header that function URLs keep for those that they rename."""


class RecordingFileError(EmulatorError):
    """A recording is not there, or is none."""


class FaultError(EmulatorError):
    """An option of a replay makes no sense, or cannot happen in this recording."""


class ReplayedError(EmulatorError):
    """The recorded stream ends in an error. All that came before it has been handed out."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}" if message else error_type)
        self.error_type = error_type
        self.message = message


class ReplayedDisconnect(EmulatorError):
    """The connection breaks in the recorded stream. All that came before has been handed out."""


class ReplayNotReleased(EmulatorError):
    """A replay in lockstep waits for its release, and nobody lets it go on."""


class PlotError(EmulatorError):
    """A picture cannot be drawn, or written."""


class LoadError(EmulatorError):
    """A load test cannot be run."""
