"""The root logger's handler, as on AWS, for the text and the JSON format. The only module that imports `logging`.

The fields, their order and the frame type of each level are those of AWS's Python runtime (observed with awslambdaric
4.2.2). The AWS Lambda Developer Guide, "Configuring advanced logging controls", describes the settings.
"""

import json
import logging
import time
import traceback

from .logs import JSON_FRAMES, TEXT_FRAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .logs import Logs

_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_LEVELS = ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL", "NOTSET")

# The attributes of every record. Any other attribute comes from `extra` and becomes a field.
_STANDARD_ATTRIBUTES = frozenset(
    (
        *("name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text"),
        *("stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName"),
        *("processName", "process", "aws_request_id", "tenant_id", "_frame_type"),
    )
)


def install(logs: "Logs") -> None:
    """Give the root logger its handler."""
    logging.Formatter.converter = time.gmtime
    framed = logs.json or bool(logs.level)
    handler = LambdaLoggerHandlerWithFrameType(logs) if framed else LambdaLoggerHandler(logs)
    handler.setFormatter(JsonFormatter() if logs.json else logging.Formatter(_TEXT, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter(logs))
    root = logging.getLogger()
    if logs.level in _LEVELS:
        root.setLevel(logs.level)
    root.addHandler(handler)


class LambdaLoggerHandler(logging.Handler):
    """Writes formatted records to the function's log. Libraries look for the attribute `log_sink`."""

    def __init__(self, logs: "Logs") -> None:
        super().__init__()
        self.log_sink = logs.sink

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record`."""
        self.log_sink.log(self.format(record))


class LambdaLoggerHandlerWithFrameType(LambdaLoggerHandler):
    """Does the same as LambdaLoggerHandler, and marks each frame of a framed log with the record's level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record`."""
        text = self.format(record)
        level = _standard_level(record.levelno)
        self.log_sink.log(text, getattr(record, "_frame_type", None) or TEXT_FRAMES.get(level))


class LambdaLoggerFilter(logging.Filter):
    """Adds the request id and the tenant id to each record."""

    def __init__(self, logs: "Logs") -> None:
        super().__init__()
        self._logs = logs

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes. Every record passes."""
        record.aws_request_id = self._logs.request_id
        record.tenant_id = self._logs.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object on one line."""

    _encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. It omits fields without a value."""
        record.levelno = _standard_level(record.levelno)
        record.levelname = logging.getLevelName(record.levelno)
        record._frame_type = JSON_FRAMES[record.levelno]  # noqa: SLF001 - where libraries expect it
        kind, error, trace = record.exc_info or (None, None, None)
        fields = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if record.exc_info else None,
            "errorType": kind.__name__ if kind else None,
            "errorMessage": str(error) if record.exc_info else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if record.exc_info else None,
        }
        tenant = getattr(record, "tenant_id", None)
        if tenant is not None:
            fields["tenantId"] = tenant
        for name, value in vars(record).items():
            if name not in _STANDARD_ATTRIBUTES and name not in fields:
                fields[name] = value
        return self._encode({name: value for name, value in fields.items() if value is not None}) + "\n"


def _standard_level(level: int) -> int:
    """Return the highest standard level that is not above `level`."""
    return min(50, max(0, level)) // 10 * 10
