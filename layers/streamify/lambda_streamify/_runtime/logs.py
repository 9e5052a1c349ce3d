"""The function's log, in the format of AWS's Python runtime (observed with awslambdaric 4.2.2).

On AWS the root logger has a handler before the function's module can import `logging`. The same holds here, but the
import of `logging` takes 11 ms. So the runtime sets it up when other code imports it, or never.
"""

import sys
import time

from .._core import current
from .._wire.marshal import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping
    from typing import Any, Protocol, TextIO

    class Sink(Protocol):
        """The destination of log messages."""

        def log(self, message: str, frame_type: "bytes | None" = None) -> None:
            """Write `message` unchanged."""

        def log_error(self, lines: "Iterable[str]") -> None:
            """Write the lines as one record."""


_NO_BREAK_SPACE = "\u00a0"  # keeps the indentation of a stack trace in the CloudWatch console


class Unbuffered:
    """A text stream that flushes after each write, so that nothing is lost when the process is frozen or killed."""

    def __init__(self, stream: "TextIO") -> None:
        self.stream = stream

    def __enter__(self) -> "Unbuffered":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the stream open, as AWS's runtime does: the process has no other one."""

    def write(self, text: str) -> int:
        """Write `text`, and flush."""
        written = self.stream.write(text)
        self.stream.flush()
        return written

    def writelines(self, lines: "Iterable[str]") -> None:
        """Write `lines`, and flush."""
        self.stream.writelines(lines)
        self.stream.flush()

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.stream, name)


class StandardSink:
    """Writes to the standard output, where each line is a record. A carriage return separates lines of one record."""

    def log(self, message: str, frame_type: "bytes | None" = None) -> None:
        """Write `message` unchanged."""
        try:
            sys.stdout.write(message)
        except UnicodeEncodeError:  # for example a lone surrogate
            sys.stdout.write(message.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))

    def log_error(self, lines: "Iterable[str]") -> None:
        """Write the lines as one record."""
        self.log("\r".join(lines) + "\n")


# Frame types by level. As in AWS's Python runtime, a frame type stands for a format and a level.
TEXT_FRAMES, JSON_FRAMES = (
    {level * 10: (0xA55A0000 + code).to_bytes(4, "big") for level, code in enumerate(codes)}
    for codes in ((0x03, 0x0B, 0x0F, 0x13, 0x17, 0x1B), (0x02, 0x0A, 0x0E, 0x12, 0x16, 0x1A))
)
_DEBUG, _WARNING, _ERROR = 10, 30, 40  # logging.DEBUG, logging.WARNING, logging.ERROR


class FramedSink:
    """Writes to the descriptor in _LAMBDA_TELEMETRY_LOG_FD, where a record may have several lines.

    A frame consists of its type and the length of the message (4 bytes each), the time in microseconds since the epoch
    (8 bytes), all big-endian, and the message in UTF-8.
    """

    def __init__(
        self, descriptor: int, clock: "Callable[[], int]" = time.time_ns, error_frame: bytes = TEXT_FRAMES[_ERROR]
    ) -> None:
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115 - stays open until the process ends
        self._clock = clock
        self._error_frame = error_frame

    def log(self, message: str, frame_type: "bytes | None" = None) -> None:
        """Write `message` as one frame."""
        data = message.encode("utf-8", "replace")
        head = (frame_type or TEXT_FRAMES[0]) + len(data).to_bytes(4, "big")
        self._file.write(head + (self._clock() // 1000).to_bytes(8, "big") + data)

    def close(self) -> None:
        """Close the descriptor."""
        self._file.close()

    def log_error(self, lines: "Iterable[str]") -> None:
        """Write the lines as one frame with the frame type of an error."""
        self.log("\n".join(lines), self._error_frame)


class Logs:
    """The log of this process. Each line carries the request id of the invocation that logs it.

    `json` says whether AWS_LAMBDA_LOG_FORMAT is JSON. `level` is AWS_LAMBDA_LOG_LEVEL.
    """

    def __init__(
        self, sink: "Sink", clock: "Callable[[], float]" = time.time, *, json: bool = False, level: str = ""
    ) -> None:
        self.sink = sink
        self.json = json
        self.level = level
        self._clock = clock
        self._logged_once = set[str]()

    @property
    def request_id(self) -> str:
        """The request id of the invocation that logs, "" before the first invocation."""
        invocation = current.invocation()
        return "" if invocation is None else invocation.request_id

    @property
    def tenant_id(self) -> "str | None":
        """The tenant id of the invocation that logs, or None."""
        invocation = current.invocation()
        return None if invocation is None else invocation.tenant_id

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

    def line(self, level: str, message: object) -> None:
        """Log a message of the runtime as the root logger's handler would, whatever AWS_LAMBDA_LOG_LEVEL is.

        `level` is "DEBUG", "WARNING" or "ERROR". `message` is a str, or a dict for an object in JSON.
        """
        number = {"DEBUG": _DEBUG, "WARNING": _WARNING, "ERROR": _ERROR}[level]
        if self.json:
            fields = {"timestamp": f"{self._timestamp()}Z", "level": level, "message": message, "logger": "root"}
            self.sink.log(to_json({**fields, "requestId": self.request_id}) + "\n", JSON_FRAMES[number])
        else:
            stamp = f"{self._timestamp()}.{int(self._clock() % 1 * 1000):03d}Z"
            text = f"[{level}]\t{stamp}\t{self.request_id}\t{message}\n"
            self.sink.log(text, TEXT_FRAMES[number] if self.level else None)

    def once(self, message: str) -> None:
        """Log a warning of the runtime, but only once in this process."""
        if message not in self._logged_once:
            self._logged_once.add(message)
            self.line("WARNING", message)

    def _timestamp(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._clock()))


def open_logs(environ: "MutableMapping[str, str]") -> Logs:
    """Return the log for this environment. Only one log may use the descriptor, so its variable is removed."""
    json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    frames = JSON_FRAMES if json else TEXT_FRAMES
    descriptor = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sink = StandardSink() if descriptor is None else FramedSink(int(descriptor), error_frame=frames[_ERROR])
    return Logs(sink, json=json, level="DEBUG" if level == "TRACE" else level.upper())


def attach_on_import(attach: "Callable[[], object]") -> None:
    """Call `attach`, which gives the root logger its handler, once `logging` is loaded.

    If `logging` is loaded already, call it now, otherwise after the first import of `logging`.
    """
    if "logging" in sys.modules:
        attach()
    else:
        sys.meta_path.insert(0, _LoggingFinder(attach))


class _LoggingFinder:
    """Finds `logging` through the other finders, and makes its loader call `attach` after loading the module.

    It stays on `sys.meta_path` until then, because not every search for a module leads to an import.
    """

    def __init__(self, attach: "Callable[[], object]") -> None:
        self._attach = attach

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        if name != "logging":
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(spec for spec in found if spec is not None)
        execute = spec.loader.exec_module  # type: ignore[union-attr]

        def exec_module(module: "Any") -> None:
            execute(module)
            if self in sys.meta_path:  # if another finder calls this one too, the loader is wrapped twice
                sys.meta_path.remove(self)
                self._attach()

        spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
        return spec
