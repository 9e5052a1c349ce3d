"""The errors of the emulator. Each message names the thing, the value and the way out, in one line.

EmulatorError
├── TemplateError           the template, or what it names
├── BuildError              a layer or a function that cannot be put together
├── InterpreterError        no Python for a function's runtime
├── AddressError            a port that cannot be had
├── EndpointError           nothing useful answers where an emulator or Lambda should
└── PreludeError            a streamed response that does not begin as a function URL needs it
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
