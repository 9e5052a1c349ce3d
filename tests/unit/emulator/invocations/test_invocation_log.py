import base64

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.invocation_log import TAIL_LIMIT_BYTES, InvocationLog, LogTail, Outcome

MIB = 1024**2


class Log:
    """The log of a sandbox with 128 MB, and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[str] = []
        self.log = InvocationLog(self.lines.append, 128, lambda: self.now)
        self.tail = LogTail()

    def begin(self, request_id: str = "a-b") -> None:
        self.tail = LogTail()
        self.log.begin(request_id, self.tail)

    def report(self, outcome: Outcome) -> str:
        self.log.end(outcome)
        return self.lines[-1]


def text(tail: LogTail) -> str:
    return base64.b64decode(run(tail.result())).decode()


def test_carriage_returns_split_logged_lines_and_stay_in_the_tail() -> None:
    log = Log()
    log.begin()
    log.log.start()
    log.log.line("[ERROR] a\rTraceback\r  File")
    log.log.line("dos\r")
    log.log.end(Outcome())

    assert log.lines[1:5] == ["[ERROR] a", "Traceback", "  File", "dos"]
    assert "\n[ERROR] a\rTraceback\r  File\ndos\r\nEND " in text(log.tail)


def test_a_cold_start_and_a_warm_one_as_lambda_reports_them() -> None:
    log = Log()
    log.begin()
    log.now += 0.2504
    log.log.start()
    log.log.line("hello")
    log.now += 0.0108
    log.log.end(Outcome(33 * MIB + 1))
    log.now += 60
    log.begin("c-d")
    log.log.start()
    log.now += 0.0016
    log.log.end(Outcome(34 * MIB))

    *lines, warm = log.lines
    cold = lines.pop(3)
    assert lines == [
        "START RequestId: a-b Version: $LATEST",
        "hello",
        "END RequestId: a-b",
        "START RequestId: c-d Version: $LATEST",
        "END RequestId: c-d",
    ]
    end = "\tMemory Size: 128 MB\tMax Memory Used: 34 MB\t"
    assert cold == f"REPORT RequestId: a-b\tDuration: 10.80 ms\tBilled Duration: 262 ms{end}Init Duration: 250.40 ms\t"
    assert warm == f"REPORT RequestId: c-d\tDuration: 1.60 ms\tBilled Duration: 2 ms{end}"


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (Outcome(), "Memory Size: 128 MB\tInit Duration: 0.00 ms\t"),
        (Outcome(200 * MIB), "Max Memory Used: 128 MB\tInit Duration: 0.00 ms\t"),
        (Outcome(error_type="Runtime.ExitError"), "ms\tStatus: error\tError Type: Runtime.ExitError\t"),
        (Outcome(duration=3, timed_out=True), "Init Duration: 0.00 ms\tStatus: timeout\t"),
    ],
)
def test_a_report_shows_memory_status_and_error_type(outcome: Outcome, end: str) -> None:
    log = Log()
    log.begin()
    log.log.start()

    assert log.report(outcome).endswith(end)


def test_a_timeout_lasts_as_long_as_the_function_may() -> None:
    log = Log()
    log.begin()
    log.now += 0.5
    log.log.start()
    log.now += 3.0021

    assert "\tDuration: 3000.00 ms\tBilled Duration: 3500 ms\t" in log.report(Outcome(duration=3, timed_out=True))


def test_an_invocation_whose_init_fails_is_billed() -> None:
    log = Log()
    log.begin()
    log.now += 0.04
    log.log.line("no configuration")

    report = log.report(Outcome(error_type="Runtime.ExitError"))

    assert log.lines[:-1] == ["no configuration", "START RequestId: a-b Version: $LATEST", "END RequestId: a-b"]
    assert "\tDuration: 40.00 ms\tBilled Duration: 40 ms\t" in report
    assert "Init Duration" not in report


def test_an_event_sent_twice_logs_one_start() -> None:
    log = Log()
    log.begin()
    log.log.start()
    log.log.start()

    assert log.lines == ["START RequestId: a-b Version: $LATEST"]


def test_the_tail_holds_the_invocations_lines_and_no_others() -> None:
    log = Log()
    log.begin()
    log.log.line("of init")
    log.log.start()
    log.log.end(Outcome())
    log.log.line("of nobody")

    assert text(log.tail).splitlines() == log.lines[:-1]


def test_the_tail_is_the_last_four_kilobytes() -> None:
    tail = LogTail()
    tail.add("x" * TAIL_LIMIT_BYTES)
    tail.add("end")
    tail.end()

    assert text(tail) == "x" * (TAIL_LIMIT_BYTES - 5) + "\nend\n"
