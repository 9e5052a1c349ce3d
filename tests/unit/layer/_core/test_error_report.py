import linecache
import re
import sys
from binascii import a2b_base64
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from lambda_streamify._core import error_report as module
from lambda_streamify._core import iteration
from lambda_streamify._core.error_report import error_report, sole_member
from lambda_streamify._core.iteration import as_bytes
from lambda_streamify._wire import framing
from lambda_streamify.errors import RuntimeFault


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
    """Compile code with this file name."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")


def call_chain(*files: str) -> Callable[[], object]:
    """Return a function whose frames have these file names, the outermost first. The last one raises."""

    def broken() -> object:
        raise ValueError("why")

    call: Callable[[], object] = broken
    for file in reversed(files):
        names: dict[str, Callable[[], object]] = {"inner": call}
        exec(compiled(file, "def call():\n    return inner()\n"), names)  # noqa: S102 - a frame of another file
        call = names["call"]
    return call


INLINE = str(Path(module.__file__).parents[1] / "_response" / "inline.py")
OURS = str(Path(module.__file__).parent / "invocation.py")
LOOP = str(Path(linecache.__file__).parent / "asyncio" / "events.py")


def frames_of(report: dict[str, list[str]]) -> list[str]:
    return [frame.partition('"')[2].partition('"')[0] for frame in report["stackTrace"]]


def test_the_trace_begins_where_the_functions_own_code_does() -> None:
    error = caught(call_chain(OURS, LOOP, OURS, "app.py", OURS, "app.py"))
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next  # this file's own frame

    assert frames_of(error_report(error)) == ["app.py", OURS, "app.py", __file__]


def test_the_frame_of_the_streaming_decorator_is_left_out() -> None:
    error = caught(call_chain("wrapper.py", INLINE, "app.py"))

    assert frames_of(error_report(error))[1:] == ["wrapper.py", "app.py", __file__]


def test_one_frame_remains_if_all_frames_are_the_runtimes() -> None:
    error = caught(lambda: as_bytes(None))
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals["__name__"] == __name__:
        trace = trace.tb_next

    assert frames_of(error_report(error.with_traceback(trace))) == [iteration.__file__]


def test_an_exception_whose_str_fails_is_still_reported() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    report = error_report(Broken())

    assert (report["errorType"], report["errorMessage"]) == ("Broken", "<exception str() failed>")


def test_traceback_is_not_imported_before_the_first_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "traceback")

    error_report(RuntimeFault("Runtime.HandlerNotFound", "why"))

    assert "traceback" not in sys.modules


# --- exception groups ------------------------------------------------------------------------------------------------

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup  # as anyio raises them there


def broken(why: object) -> Exception:
    def fails() -> None:
        raise ValueError(why)

    return caught(fails)


def raising(error: Exception) -> Callable[[], object]:
    def fails() -> None:
        raise error

    return fails


def test_a_group_keeps_its_type_and_message_and_the_tracebacks_of_its_members_follow() -> None:
    cause = broken("the cause")
    inner = ExceptionGroup("inner", [caught(raising(KeyError("deep")))])
    member = RuntimeError("two\nlines")
    member.__cause__ = cause

    report = error_report(caught(raising(ExceptionGroup("several", [broken("one"), member, inner]))))

    assert report["errorType"] == "ExceptionGroup"
    assert report["errorMessage"] == "several (3 sub-exceptions)"
    entries = report["stackTrace"]
    begin = entries.index("  +---------------- 1 ----------------\n")
    assert all(entry.startswith('  File "') for entry in entries[:begin])
    assert entries[begin - 1].endswith("in fails\n    raise error\n")
    text = "".join(entries[begin:])
    assert all(line.startswith(("  +---", "    | ")) for line in text.splitlines())
    lines = [line.removeprefix("    | ") for line in text.splitlines()]
    assert re.findall(r"^  \+-+ (\d) -+$", text, re.MULTILINE)[:3] == ["1", "2", "3"]
    assert lines[1] == "Traceback (most recent call last):"
    assert lines.index("ValueError: one") < lines.index("ValueError: the cause") < lines.index("RuntimeError: two")
    assert any("KeyError: 'deep'" in line for line in lines)


def test_no_more_members_are_shown_than_python_shows() -> None:
    report = error_report(ExceptionGroup("many", [ValueError(number) for number in range(20)]))

    text = "".join(report["stackTrace"])
    assert "ValueError: 14" in text
    assert "ValueError: 15" not in text
    assert text.endswith("  +---------------- and 5 more exceptions\n")


def test_a_member_whose_str_fails_is_still_reported() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert "exception str() failed" in error_report(ExceptionGroup("one", [Broken()]))["stackTrace"][-1]


def in_trailers(error: Exception) -> bytes:
    trailers = framing.error_trailers(error_report(error))
    assert len(trailers) <= framing.TRAILER_LIMIT_BYTES
    return a2b_base64(trailers.partition(b"Error-Body: ")[2])


def test_the_trailers_name_the_cause_and_stay_within_their_limit() -> None:
    assert b"ValueError: the cause" in in_trailers(ExceptionGroup("one", [broken("the cause")]))
    assert b"ValueError: the last" in in_trailers(ExceptionGroup("few", [*map(broken, range(10)), broken("the last")]))
    assert b"many (50 sub-exceptions)" in in_trailers(ExceptionGroup("many", [broken("x" * 10_000)] * 50))


def test_a_group_with_one_member_is_reported_as_that_member() -> None:
    error, several = ValueError("one"), ExceptionGroup("two", [ValueError(), KeyError()])

    assert sole_member(error) is error
    assert sole_member(several) is several
    assert sole_member(ExceptionGroup("one", [error])) is error
    assert sole_member(ExceptionGroup("one", [ExceptionGroup("one", [several])])) is several
