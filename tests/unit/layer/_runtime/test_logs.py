import importlib.util
import io
import json
import logging
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lambda_streamify
from invoking import Log
from lambda_streamify._core import current
from lambda_streamify._runtime.logging_handler import install
from lambda_streamify._runtime.logs import FramedSink, Logs, StandardSink, Unbuffered, attach_on_import, open_logs
from processes import clean_environment, run

LAYER = Path(lambda_streamify.__file__).parents[1]

NOW = 1_600_000_000.1234  # 2020-09-13T12:26:40.123Z

# --- standard output -------------------------------------------------------------------------------------------------


class Flushes(io.StringIO):
    """A text stream that counts its flushes."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed_at: list[int] = []

    def flush(self) -> None:
        self.flushed_at.append(self.tell())


def test_each_write_is_flushed() -> None:
    stream = Flushes()
    unbuffered = Unbuffered(stream)

    assert unbuffered.write("one") == 3
    unbuffered.writelines(["two", "three"])

    assert stream.getvalue() == "onetwothree"
    assert stream.flushed_at == [3, 11]


def test_the_stream_is_a_context_manager_that_stays_open() -> None:
    stream = Flushes()

    with Unbuffered(stream) as entered:
        print("inside", file=entered, end="")

    assert entered.stream is stream
    assert (stream.getvalue(), stream.closed) == ("inside", False)


def test_all_other_attributes_are_those_of_the_stream() -> None:
    stream = Flushes()

    assert Unbuffered(stream).getvalue() == ""
    assert not Unbuffered(stream).isatty()
    with pytest.raises(AttributeError, match="nope"):
        Unbuffered(stream).nope  # noqa: B018 - what is tested


def test_print_writes_through() -> None:
    stream = Flushes()

    print("text", file=Unbuffered(stream))

    assert stream.getvalue() == "text\n"
    assert stream.flushed_at[-1] == 5


def test_a_line_goes_to_standard_output_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    StandardSink().log("no line break")

    assert capsys.readouterr().out == "no line break"


def test_a_record_of_several_lines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    StandardSink().log_error(["one", "two"])

    assert capsys.readouterr().out == "one\rtwo\n"


def test_standard_output_is_looked_up_at_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = StandardSink()
    monkeypatch.setattr(sys, "stdout", replaced := io.StringIO())

    sink.log("x")

    assert replaced.getvalue() == "x"


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [("utf-8", "é\ud800", "é\\ud800"), ("ascii", "é", "\\xe9"), ("utf-8", "é", "é")],
)
def test_what_standard_output_cannot_encode_is_escaped(
    encoding: str, text: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Unbuffered(io.TextIOWrapper(raw, encoding=encoding)))

    StandardSink().log(text)

    assert raw.getvalue().decode() == written


# --- the telemetry descriptor ----------------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The descriptors that the sink writes to and that the platform reads. The sink owns its descriptor."""
    theirs, ours = os.pipe()
    yield ours, theirs
    os.close(theirs)


def frames(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return type, microseconds and message of each frame."""
    found = []
    while data:
        kind, length, stamp = struct.unpack(">IIQ", data[:16])
        found.append((kind, stamp, data[16 : 16 + length]))
        assert len(data) >= 16 + length
        data = data[16 + length :]
    return found


def test_a_message_is_one_frame_with_its_type_length_and_time(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    sink = FramedSink(ours, lambda: 1_600_000_000_123_456_789)

    sink.log("é\n")
    sink.log_error(["one", "two"])
    sink.log("x", b"\xa5\x5a\x00\x0b")
    sink.log("half a pair: \ud800")

    data = os.read(theirs, 1000)
    sink._file.close()  # noqa: SLF001 - on Lambda it stays open
    now = 1_600_000_000_123_456
    assert frames(data) == [
        (0xA55A0003, now, b"\xc3\xa9\n"),
        (0xA55A0017, now, b"one\ntwo"),
        (0xA55A000B, now, b"x"),
        (0xA55A0003, now, b"half a pair: ?"),
    ]


def test_the_variable_that_names_the_descriptor_is_removed(pipe: tuple[int, int]) -> None:
    environ = {"_LAMBDA_TELEMETRY_LOG_FD": str(pipe[0])}

    sink = open_logs(environ).sink

    assert isinstance(sink, FramedSink)
    sink._file.close()  # noqa: SLF001 - on Lambda it stays open
    assert environ == {}
    assert isinstance(open_logs(environ).sink, StandardSink)


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_far_from_greenwich")
def test_a_line_of_the_runtime_has_level_time_and_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    logs = Logs(log, lambda: NOW)
    logs.line("ERROR", "before any request")
    monkeypatch.setattr(current, "latest", SimpleNamespace(request_id="id"))

    logs.line("WARNING", "why")

    assert log.messages == [
        "[ERROR]\t2020-09-13T12:26:40.123Z\t\tbefore any request\n",
        "[WARNING]\t2020-09-13T12:26:40.123Z\tid\twhy\n",
    ]


def test_a_line_carries_the_id_of_the_invocation_that_logs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrent invocations each have their own id. A thread, which belongs to none, has the id of the latest."""
    logs = Logs(Log())
    seen = []
    for request_id in ("first", "second"):
        invocation: Any = SimpleNamespace(request_id=request_id, tenant_id=f"tenant of {request_id}")
        monkeypatch.setattr(current, "latest", invocation)
        context = copy_context()
        context.run(current.running.set, invocation)
        seen.append(context)

    def ids() -> tuple[str, str | None]:
        return logs.request_id, logs.tenant_id

    assert [context.run(ids) for context in seen] == [("first", "tenant of first"), ("second", "tenant of second")]
    assert ids() == ("second", "tenant of second")


def report(message: str = "why", *frames_: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": "ValueError", "requestId": "id", "stackTrace": list(frames_)}


REPORTS = [
    report(),
    report(""),
    report("one\ntwo"),
    report("why", '  File "app.py", line 1, in f\n    raise ValueError\n', "no indentation", "\n", " \tmixed"),
]


@pytest.mark.parametrize("value", REPORTS)
def test_an_error_is_logged_as_awss_runtime_logs_it(value: dict[str, Any]) -> None:
    theirs = pytest.importorskip("awslambdaric.bootstrap", reason="awslambdaric is not installed")
    ours, other = Log(), Log()

    Logs(ours).error(value)

    theirs.log_error(value, other)
    assert ours.errors == other.errors


def test_the_indentation_of_a_stack_trace_is_of_no_break_spaces() -> None:
    log = Log()

    Logs(log).error(report("why", '  File "app.py", line 1, in f\n    raise ValueError\n'))

    assert log.errors == [
        [
            "[ERROR] ValueError: why",
            "Traceback (most recent call last):",
            '\u00a0\u00a0File "app.py", line 1, in f',
            "\u00a0\u00a0\u00a0\u00a0raise ValueError",
        ]
    ]


# --- the root logger -------------------------------------------------------------------------------------------------


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Logs, Log]]:
    """Logs for the root logger, which is restored afterwards."""
    root, log = logging.getLogger(), Log()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)
    logs = Logs(log)
    install(logs)
    yield logs, log
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, *, level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.LogRecord("name", level, __file__, 1, message, None, None)
    made.created, made.msecs = NOW, 123.4
    return made


@pytest.mark.usefixtures("_far_from_greenwich")
def test_a_record_has_awss_form(attached: tuple[Logs, Log], monkeypatch: pytest.MonkeyPatch) -> None:
    _, log = attached
    monkeypatch.setattr(current, "latest", SimpleNamespace(request_id="id", tenant_id="tenant"))
    made = record("text é")

    logging.getLogger().handle(made)

    assert log.messages == ["[WARNING]\t2020-09-13T12:26:40.123Z\tid\ttext é\n"]
    assert (made.aws_request_id, made.tenant_id) == ("id", "tenant")  # type: ignore[attr-defined]


def test_a_traceback_follows_its_record(attached: tuple[Logs, Log]) -> None:
    _, log = attached

    logging.error("text", exc_info=ValueError("why"))  # noqa: LOG015 - the root logger is what is tested

    [message] = log.messages
    assert message.endswith("\ttext\nValueError: why")


@pytest.mark.parametrize(
    ("variable", "level"),
    [
        (None, logging.WARNING),
        ("", logging.WARNING),
        ("loud", logging.WARNING),
        ("NOTSET", logging.NOTSET),
        ("TRACE", logging.DEBUG),
        ("debug", logging.DEBUG),
        ("INFO", logging.INFO),
        ("WARN", logging.WARNING),
        ("ERROR", logging.ERROR),
        ("FATAL", logging.CRITICAL),
        ("CRITICAL", logging.CRITICAL),
    ],
)
def test_the_level_is_the_functions_setting(variable: str | None, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, handlers = root.level, root.handlers[:]
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)
    root.setLevel(logging.WARNING)
    try:
        install(open_logs({} if variable is None else {"AWS_LAMBDA_LOG_LEVEL": variable}))
        assert root.level == level
    finally:
        root.setLevel(before)
        root.handlers[:] = handlers


# --- attached at the import ------------------------------------------------------------------------------------------


@pytest.fixture
def _without_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process where nobody has imported logging: the next import creates a new module."""
    monkeypatch.delitem(sys.modules, "logging")
    monkeypatch.delitem(
        sys.modules, "lambda_streamify._runtime.logging_handler"
    )  # its classes derive from those of the old module
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])


def install_in(logs: Logs) -> None:
    importlib.import_module("lambda_streamify._runtime.logging_handler").install(logs)


def log_sinks(module: Any) -> list[Any]:
    return [getattr(handler, "log_sink", None) for handler in module.getLogger().handlers]


def imported() -> Any:
    return importlib.import_module("logging")


@pytest.mark.usefixtures("_without_logging")
def test_logging_is_set_up_when_it_is_imported_and_not_before() -> None:
    log = Log()
    attach_on_import(lambda: install_in(Logs(log)))
    assert "logging" not in sys.modules

    assert log_sinks(imported()) == [log]
    assert log_sinks(imported()) == [log]


@pytest.mark.usefixtures("_without_logging")
def test_the_import_hook_is_gone_afterwards() -> None:
    before = sys.meta_path[:]
    attach_on_import(lambda: install_in(Logs(Log())))
    importlib.import_module("json.tool")
    assert len(sys.meta_path) == len(before) + 1

    imported()

    assert sys.meta_path == before


@pytest.mark.usefixtures("_without_logging")
def test_finding_logging_without_importing_it_does_not_remove_the_hook() -> None:
    log = Log()
    attach_on_import(lambda: install_in(Logs(log)))

    assert importlib.util.find_spec("logging") is not None

    assert log_sinks(imported()) == [log]


@pytest.mark.usefixtures("_without_logging")
def test_an_import_hook_that_calls_all_finders_sets_logging_up_only_once() -> None:
    """An import hook like those of tracing libraries."""

    class Asking:
        asking = False

        def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
            if name != "logging" or self.asking:
                return None
            self.asking = True
            try:
                return importlib.util.find_spec(name)
            finally:
                self.asking = False

    log = Log()
    sys.meta_path.insert(0, Asking())
    attach_on_import(lambda: install_in(Logs(log)))

    assert log_sinks(imported()) == [log]


# Runs in a new interpreter that has imported nothing, and prints what the handler's module sees as JSON.
START = """
import sys
sys.path.insert(0, sys.argv[1])
{before}
from lambda_streamify._runtime.logs import Logs, StandardSink, attach_on_import

def attach():
    from lambda_streamify._runtime.logging_handler import install
    install(Logs(StandardSink(), lambda: 1.0))

attach_on_import(attach)
loaded = "logging" in sys.modules
{module}
import json
print(json.dumps([loaded, seen]))
"""


def seen_by(module: str, before: str = "") -> Any:
    program = START.format(before=before, module=module)
    return json.loads(run(sys.executable, "-ISc", program, LAYER, env=clean_environment()).splitlines()[-1])


def test_a_new_process_imports_logging_only_when_needed() -> None:
    assert seen_by("seen = 'logging' in sys.modules") == [False, False]


@pytest.mark.parametrize("before", ["", "import logging"])
def test_the_root_logger_has_its_handler_when_the_functions_module_is_imported(before: str) -> None:
    module = "import logging\nseen = [type(each).__name__ for each in logging.getLogger().handlers]"

    assert seen_by(module, before) == [bool(before), ["LambdaLoggerHandler"]]


@pytest.mark.parametrize("before", ["", "import logging"])
def test_basic_config_at_import_changes_nothing_as_on_aws(before: str) -> None:
    module = (
        "import logging\nlogging.basicConfig(level='DEBUG', format='mine')\n"
        "root = logging.getLogger()\nseen = [len(root.handlers), root.level, root.handlers[0].formatter._fmt]"
    )

    assert seen_by(module, before)[1] == [
        1,
        logging.WARNING,
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
    ]


def test_a_library_that_imports_logging_first_sets_it_up_too() -> None:
    module = "import concurrent.futures\nimport logging\nseen = len(logging.getLogger().handlers)"

    assert seen_by(module) == [False, 1]


def test_a_warning_in_a_new_process_is_a_line_on_standard_output() -> None:
    module = "import logging\nlogging.warning('text')\nseen = None"
    program = START.format(before="", module=module)

    output = run(sys.executable, "-ISc", program, LAYER, env=clean_environment())

    line = output.splitlines()[0].split("\t")
    assert (line[0], line[2:]) == ("[WARNING]", ["", "text"])
