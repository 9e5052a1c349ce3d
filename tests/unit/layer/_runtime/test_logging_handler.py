import json
import logging
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest

from lambda_streamify._runtime.logging_handler import JsonFormatter, install
from lambda_streamify._runtime.logs import JSON_FRAMES, TEXT_FRAMES, Logs

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class FrameLog:
    """A sink that keeps each message with its frame type."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes | None]] = []

    def log(self, message: str, frame_type: bytes | None = None) -> None:
        self.messages.append((message, frame_type))

    def log_error(self, lines: Any) -> None:
        raise AssertionError("a record is no error report")


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger, which is restored afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def record(
    message: object = "text", level: int = logging.WARNING, exc_info: ExcInfo | None = None
) -> logging.LogRecord:
    made = logging.LogRecord("app", level, "/var/task/app.py", 7, message, (), exc_info, "handler")
    made.created = 1_600_000_000.5
    return made


def formatted(made: logging.LogRecord, *, request_id: str | None = "id") -> dict[str, Any]:
    """Return the JSON object for a record."""
    if request_id is not None:
        made.aws_request_id = request_id
    logging.Formatter.converter = time.gmtime
    line = JsonFormatter().format(made)
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    return dict(json.loads(line))


def test_a_json_record_has_awss_fields_in_awss_order() -> None:
    assert list(formatted(record()).items()) == [
        ("timestamp", "2020-09-13T12:26:40Z"),
        ("level", "WARNING"),
        ("message", "text"),
        ("logger", "app"),
        ("requestId", "id"),
    ]


def test_extra_becomes_fields_and_values_that_json_cannot_represent_become_text() -> None:
    made = record()
    made.order, made.amount = 7, {1, 2}.__class__

    assert formatted(made).items() >= {"order": 7, "amount": "<class 'set'>"}.items()


def test_a_dict_is_logged_as_an_object_unless_it_is_an_argument() -> None:
    assert formatted(record({"a": 1}))["message"] == {"a": 1}


def test_an_exception_adds_its_type_its_message_its_frames_and_the_place() -> None:
    try:
        int("why")
    except ValueError:
        fields = formatted(record(exc_info=sys.exc_info()))  # type: ignore[arg-type]

    assert fields["errorType"] == "ValueError"
    assert fields["errorMessage"] == "invalid literal for int() with base 10: 'why'"
    assert fields["location"] == "/var/task/app.py:handler:7"
    assert 'int("why")' in fields["stackTrace"][-1]


def test_the_tenant_is_named_if_there_is_one() -> None:
    made = record()
    made.tenant_id = "blue"

    assert formatted(made)["tenantId"] == "blue"


@pytest.mark.parametrize(
    ("level", "name", "frame"), [(5, "NOTSET", 0), (15, "DEBUG", 10), (29, "INFO", 20), (99, "CRITICAL", 50)]
)
def test_a_custom_level_counts_as_the_standard_level_below(level: int, name: str, frame: int) -> None:
    made = record(level=level)

    assert formatted(made)["level"] == name
    assert made._frame_type == JSON_FRAMES[frame]  # type: ignore[attr-defined]  # noqa: SLF001


@pytest.mark.parametrize(
    ("options", "frame"),
    [
        ({}, None),
        ({"level": "INFO"}, TEXT_FRAMES[logging.WARNING]),
        ({"level": "unknown"}, TEXT_FRAMES[logging.WARNING]),
        ({"json": True}, JSON_FRAMES[logging.WARNING]),
    ],
)
def test_a_record_has_the_frame_type_of_its_format_and_level(
    options: dict[str, Any], frame: bytes | None, root: logging.Logger
) -> None:
    log = FrameLog()
    install(Logs(log, **options))

    root.handle(record())

    [(_, used)] = log.messages
    assert used == frame


def test_libraries_find_the_sink_on_the_first_handler(root: logging.Logger) -> None:
    log = FrameLog()
    root.handlers.clear()
    install(Logs(log))

    assert root.handlers[0].log_sink is log  # type: ignore[attr-defined]
