"""The handler that the root logger has on AWS, in both of its formats. The only module that imports `logging`.

Fields, their order, and which level goes out in which frame are as AWS's Python runtime has them (observed with
awslambdaric 4.2.2); the settings are in the AWS Lambda Developer Guide, "Configuring advanced logging controls".
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

# What a record has of its own; everything else on it came from `extra` and becomes a field.
_OWN_FIELDS = frozenset(
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
    """Passes formatted records on to the function's log. `log_sink` is what libraries look for."""

    def __init__(self, logs: "Logs") -> None:
        super().__init__()
        self.log_sink = logs.sink

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record`."""
        self.log_sink.log(self.format(record))


class LambdaLoggerHandlerWithFrameType(LambdaLoggerHandler):
    """As LambdaLoggerHandler; in the framed log, a record's level shows in its frame."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record`."""
        text = self.format(record)
        self.log_sink.log(text, getattr(record, "_frame_type", None) or TEXT_FRAMES.get(_tens(record.levelno)))


class LambdaLoggerFilter(logging.Filter):
    """Adds what the formats show of the invocation."""

    def __init__(self, logs: "Logs") -> None:
        super().__init__()
        self._logs = logs

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.aws_request_id = self._logs.request_id
        record.tenant_id = self._logs.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on a line of its own."""

    _encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        """The line; fields without a value are left out."""
        record.levelno = _tens(record.levelno)
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
            if name not in _OWN_FIELDS and name not in fields:
                fields[name] = value
        return self._encode({name: value for name, value in fields.items() if value is not None}) + "\n"


def _tens(level: int) -> int:
    """The standard level at or below `level`."""
    return min(50, max(0, level)) // 10 * 10
