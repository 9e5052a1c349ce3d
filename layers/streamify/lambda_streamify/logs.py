"""Where the function's log goes, in the form that AWS's Python runtime gives it (observed with awslambdaric 4.2.2).

On AWS the root logger has a handler from the moment a handler's module can see `logging`. So it has here, but
`logging` itself costs 11 ms: it is set up when somebody imports it, and a function that never logs never pays.
"""

import sys
import time

from .marshal import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
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
        self.stream = stream

    def __enter__(self) -> "Unbuffered":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it open, as AWS's runtime does: it is the only one there is."""

    def write(self, text: str) -> int:
        """Write and flush."""
        written = self.stream.write(text)
        self.stream.flush()
        return written

    def writelines(self, lines: "Iterable[str]") -> None:
        """Write and flush."""
        self.stream.writelines(lines)
        self.stream.flush()

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.stream, name)


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


# Frame types by level: AWS's Python runtime marks each record with its format and its level.
TEXT_FRAMES, JSON_FRAMES = (
    {level * 10: (0xA55A0000 + code).to_bytes(4, "big") for level, code in enumerate(codes)}
    for codes in ((0x03, 0x0B, 0x0F, 0x13, 0x17, 0x1B), (0x02, 0x0A, 0x0E, 0x12, 0x16, 0x1A))
)
_WARNING, _ERROR = 30, 40  # logging.WARNING, logging.ERROR


class FramedSink:
    """The descriptor in _LAMBDA_TELEMETRY_LOG_FD, which keeps records of several lines whole.

    A frame is its type, the length of the message (4 bytes each), the time in microseconds since the epoch (8 bytes),
    all big-endian, and the message in UTF-8.
    """

    def __init__(
        self, descriptor: int, clock: "Callable[[], int]" = time.time_ns, error_frame: bytes = TEXT_FRAMES[_ERROR]
    ) -> None:
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115 - open as long as the process lives
        self._clock = clock
        self._error_frame = error_frame

    def log(self, message: str, frame_type: "bytes | None" = None) -> None:
        """Write `message` as one frame."""
        data = message.encode("utf-8", "replace")
        head = (frame_type or TEXT_FRAMES[0]) + len(data).to_bytes(4, "big")
        self._file.write(head + (self._clock() // 1000).to_bytes(8, "big") + data)

    def log_error(self, lines: "Iterable[str]") -> None:
        """Write the lines as one frame of type error."""
        self.log("\n".join(lines), self._error_frame)


class Logs:
    """The log of this process. `request_id` and `tenant_id` are those of the running invocation.

    `json` and `level` are AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL.
    """

    def __init__(
        self, sink: "Sink", clock: "Callable[[], float]" = time.time, *, json: bool = False, level: str = ""
    ) -> None:
        self.sink = sink
        self.json = json
        self.level = level
        self.request_id = ""
        self.tenant_id: str | None = None
        self._clock = clock
        self._told = set[str]()

    def error(self, report: "Mapping[str, Any]") -> None:
        """Log an error report with its stack trace."""
        if self.json:
            self.sink.log_error([to_json({"timestamp": f"{self._timestamp()}Z", "level": "ERROR", **report})])
            return
        lines = [f"[ERROR] {report['errorType']}" + (f": {report['errorMessage']}" if report["errorMessage"] else "")]
        lines.append("Traceback (most recent call last):")
        for frame in report["stackTrace"]:
            for line in frame.splitlines():
                text = line.lstrip(" ")
                lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
        self.sink.log_error(lines)

    def line(self, level: str, message: str) -> None:
        """Log a line of our own, WARNING or ERROR, as the root logger's handler would."""
        number = {"WARNING": _WARNING, "ERROR": _ERROR}[level]
        if self.json:
            fields = {"timestamp": f"{self._timestamp()}Z", "level": level, "message": message, "logger": "root"}
            self.sink.log(to_json({**fields, "requestId": self.request_id}) + "\n", JSON_FRAMES[number])
        else:
            stamp = f"{self._timestamp()}.{int(self._clock() % 1 * 1000):03d}Z"
            text = f"[{level}]\t{stamp}\t{self.request_id}\t{message}\n"
            self.sink.log(text, TEXT_FRAMES[number] if self.level else None)

    def once(self, message: str) -> None:
        """Log a warning of our own the first time that it is due in this process."""
        if message not in self._told:
            self._told.add(message)
            self.line("WARNING", message)

    def _timestamp(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._clock()))


def open_logs(environ: "MutableMapping[str, str]") -> Logs:
    """The log that the environment asks for. The descriptor has one reader: its variable is taken away."""
    json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    frames = JSON_FRAMES if json else TEXT_FRAMES
    descriptor = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sink = StandardSink() if descriptor is None else FramedSink(int(descriptor), error_frame=frames[_ERROR])
    return Logs(sink, json=json, level="DEBUG" if level == "TRACE" else level.upper())


def attach_on_import(logs: Logs) -> None:
    """Give the root logger its handler as soon as `logging` is there: now, or when its import by whomever ends."""
    if "logging" in sys.modules:
        _attach(logs)
    else:
        sys.meta_path.insert(0, _LoggingFinder(logs))


def _attach(logs: Logs) -> None:
    from .logging_handler import install  # imports logging

    install(logs)


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
                _attach(self._logs)

        spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
        return spec
