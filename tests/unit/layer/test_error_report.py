import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from lambda_streamify import error_report as module
from lambda_streamify import response
from lambda_streamify.error_report import error_report
from lambda_streamify.errors import RuntimeFault
from lambda_streamify.response import as_bytes


def caught(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - returned
        return error
    raise AssertionError("nothing was raised")


def test_a_report_has_four_fields_in_aws_order() -> None:
    report = error_report(ValueError("why"), "id")

    assert list(report.items()) == [
        ("errorMessage", "why"),
        ("errorType", "ValueError"),
        ("requestId", "id"),
        ("stackTrace", []),
    ]
    assert error_report(ValueError()) == {
        "errorMessage": "",
        "errorType": "ValueError",
        "requestId": "",
        "stackTrace": [],
    }


def test_a_runtime_fault_reports_its_own_name_and_lines() -> None:
    def fault() -> None:
        raise RuntimeFault("Runtime.UserCodeSyntaxError", "why", ["line"])

    report = error_report(caught(fault))

    assert (report["errorType"], report["stackTrace"]) == ("Runtime.UserCodeSyntaxError", ["line"])


def test_a_frame_is_file_line_function_and_source_without_markers() -> None:
    def broken() -> None:
        raise ValueError("why")

    report = error_report(caught(broken))

    first = broken.__code__.co_firstlineno
    assert report["stackTrace"][-1] == (
        f'  File "{__file__}", line {first + 1}, in broken\n    raise ValueError("why")\n'
    )


def compiled(file: str, source: str) -> CodeType:
    """Return code that claims to lie in this file."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")


def call_chain(*files: str) -> Callable[[], object]:
    """Return a function whose frames lie in these files, from the outermost in; the last one raises."""

    def broken() -> object:
        raise ValueError("why")

    call: Callable[[], object] = broken
    for file in reversed(files):
        names: dict[str, Callable[[], object]] = {"inner": call}
        exec(compiled(file, "def call():\n    return inner()\n"), names)  # noqa: S102 - a frame of another file
        call = names["call"]
    return call


INLINE = str(Path(module.__file__).parent / "inline.py")
OURS = str(Path(module.__file__).parent / "invocation.py")
LOOP = str(Path(linecache.__file__).parent / "asyncio" / "events.py")


def frames_of(report: dict[str, list[str]]) -> list[str]:
    return [frame.partition('"')[2].partition('"')[0] for frame in report["stackTrace"]]


def test_the_trace_begins_where_the_functions_own_code_does() -> None:
    error = caught(call_chain(OURS, LOOP, OURS, "app.py", OURS, "app.py"))
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next  # this file's own frame

    assert frames_of(error_report(error)) == ["app.py", OURS, "app.py", __file__]


def test_the_frame_between_a_wrapper_and_its_streaming_handler_is_left_out() -> None:
    error = caught(call_chain("wrapper.py", INLINE, "app.py"))

    assert frames_of(error_report(error))[1:] == ["wrapper.py", "app.py", __file__]


def test_one_frame_remains_of_an_error_that_is_all_ours() -> None:
    error = caught(lambda: as_bytes(None))
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals["__name__"] == __name__:
        trace = trace.tb_next

    assert frames_of(error_report(error.with_traceback(trace))) == [response.__file__]


def test_an_exception_without_text_is_reported_all_the_same() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    report = error_report(Broken())

    assert (report["errorType"], report["errorMessage"]) == ("Broken", "<exception str() failed>")


def test_traceback_is_loaded_for_the_first_error_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "traceback")

    error_report(RuntimeFault("Runtime.HandlerNotFound", "why"))

    assert "traceback" not in sys.modules
