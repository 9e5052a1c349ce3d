"""Where the function's log goes, in the form that AWS's Python runtime gives it (observed with awslambdaric 4.2.2).

On AWS the root logger has a handler from the moment a handler's module can see `logging`. So it has here, but
`logging` itself costs 11 ms: it is set up when somebody imports it, and a function that never logs never pays.
"""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging as logging_module
    from collections.abc import Callable, Iterable, Mapping, MutableMapping
    from typing import Any, Protocol, TextIO

    class Sink(Protocol):
        """Where lines go."""

        def log(self, message: str, frame_type: "bytes | None" = None) -> None:
            """Write `message` as it stands."""

        def log_error(self, lines: "Iterable[str]") -> None:
            """Write the lines as one record."""


_NO_BREAK_SPACE = "\u00a0"  # keeps the indentation of a stack trace in the CloudWatch console


class Unbuffered:
    """A text stream that is flushed after each write, so that nothing is lost when the process is frozen or killed."""

    def __init__(self, stream: "TextIO") -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write and flush."""
        written = self._stream.write(text)
        self._stream.flush()
        return written

    def writelines(self, lines: "Iterable[str]") -> None:
        """Write and flush."""
        self._stream.writelines(lines)
        self._stream.flush()

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._stream, name)


class StandardSink:
    """The function's standard output. Each line is a record: inside one, lines end in a carriage return."""

    def log(self, message: str, frame_type: "bytes | None" = None) -> None:
        """Write `message` as it stands."""
        try:
            sys.stdout.write(message)
        except UnicodeEncodeError:  # half a surrogate pair, for one
            sys.stdout.write(message.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))

    def log_error(self, lines: "Iterable[str]") -> None:
        """Write the lines as one record."""
        self.log("\r".join(lines) + "\n")


class FramedSink:
    """The descriptor in _LAMBDA_TELEMETRY_LOG_FD, which keeps records of several lines whole.

    A frame is its type, the length of the message (4 bytes each), the time in microseconds since the epoch (8 bytes),
    all big-endian, and the message in UTF-8.
    """

    TEXT = (0xA55A0003).to_bytes(4, "big")
    TEXT_ERROR = (0xA55A0017).to_bytes(4, "big")

    def __init__(self, descriptor: int, clock: "Callable[[], int]" = time.time_ns) -> None:
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115 - open as long as the process lives
        self._clock = clock

    def log(self, message: str, frame_type: "bytes | None" = None) -> None:
        """Write `message` as one frame."""
        data = message.encode("utf-8", "replace")
        head = (frame_type or self.TEXT) + len(data).to_bytes(4, "big")
        self._file.write(head + (self._clock() // 1000).to_bytes(8, "big") + data)

    def log_error(self, lines: "Iterable[str]") -> None:
        """Write the lines as one frame of type error."""
        self.log("\n".join(lines), self.TEXT_ERROR)


def open_sink(environ: "MutableMapping[str, str]") -> "Sink":
    """The sink that the environment asks for. The descriptor has one reader: the variable is taken away."""
    descriptor = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    return StandardSink() if descriptor is None else FramedSink(int(descriptor))


class Logs:
    """The log of this process. `request_id` and `tenant_id` are those of the running invocation."""

    def __init__(self, sink: "Sink", clock: "Callable[[], float]" = time.time) -> None:
        self.sink = sink
        self.request_id = ""
        self.tenant_id: str | None = None
        self._clock = clock

    def error(self, report: "Mapping[str, Any]") -> None:
        """Log an error report with its stack trace."""
        lines = [f"[ERROR] {report['errorType']}" + (f": {report['errorMessage']}" if report["errorMessage"] else "")]
        lines.append("Traceback (most recent call last):")
        for frame in report["stackTrace"]:
            for line in frame.splitlines():
                text = line.lstrip(" ")
                lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
        self.sink.log_error(lines)

    def line(self, level: str, message: str) -> None:
        """Log a line of our own, in the format of the root logger's handler."""
        now = self._clock()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        self.sink.log(f"[{level}]\t{stamp}.{int(now % 1 * 1000):03d}Z\t{self.request_id}\t{message}\n")

    def attach(self, logging: "Any") -> None:
        """Give the root logger the handler that it has on AWS."""
        logs = self

        class LambdaLoggerHandler(logging.Handler):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.log_sink = logs.sink

            def emit(self, record: "logging_module.LogRecord") -> None:
                self.log_sink.log(self.format(record))

        class LambdaLoggerFilter(logging.Filter):  # type: ignore[misc]
            def filter(self, record: "logging_module.LogRecord") -> bool:
                record.aws_request_id = logs.request_id
                record.tenant_id = logs.tenant_id
                return True

        logging.Formatter.converter = time.gmtime
        handler = LambdaLoggerHandler()
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
        handler.addFilter(LambdaLoggerFilter())
        root = logging.getLogger()
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        if level in ("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
            root.setLevel("DEBUG" if level == "TRACE" else level)
        root.addHandler(handler)


def attach_on_import(logs: Logs) -> None:
    """Call `logs.attach` as soon as `logging` is there: now, or at the end of its import by whomever."""
    if "logging" in sys.modules:
        logs.attach(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, _LoggingFinder(logs))


class _LoggingFinder:
    """Finds `logging` as the other finders do, and has its loader tell when it is done.

    It stays until then: to look for a module is not yet to import it.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        if name != "logging":
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(spec for spec in found if spec is not None)
        execute = spec.loader.exec_module  # type: ignore[union-attr]

        def exec_module(module: "Any") -> None:
            execute(module)
            if self in sys.meta_path:  # another finder may have asked this one too, and wrapped the loader twice
                sys.meta_path.remove(self)
                self._logs.attach(module)

        spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
        return spec
