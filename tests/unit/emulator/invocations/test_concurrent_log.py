import json

import pytest

from lambda_streamify_emulator.invocations.concurrent_log import ENDED_LIMIT, ConcurrentLog
from lambda_streamify_emulator.invocations.invocation_log import LogTail, Outcome


class Log:
    """The log of a sandbox, its lines, and the tails of its invocations."""

    def __init__(self, *request_ids: str) -> None:
        self.lines: list[str] = []
        self.log = ConcurrentLog(self.lines.append, 128)
        self.tails = {request_id: LogTail() for request_id in request_ids}
        for request_id, tail in self.tails.items():
            self.log.begin(request_id, tail)


def line(request_id: object) -> str:
    return json.dumps({"message": "hello", "requestId": request_id})


def test_a_json_line_goes_to_the_invocation_that_it_names() -> None:
    log = Log("a", "b")
    log.log.line(line("b"))

    assert [tail.text for tail in log.tails.values()] == ["", f"{line('b')}\n"]
    assert log.lines == [line("b")]


@pytest.mark.parametrize(
    "text",
    [
        "plain a",
        line("c"),
        line(["a"]),
        line(None),
        '{"requestId": "a"',
        '["requestId", "a"]',
        "{" * 100_000 + '"requestId"',
        '{"record": {"requestId": "a"}}',
    ],
)
def test_any_other_line_belongs_to_the_sandbox_alone(text: str) -> None:
    log = Log("a")
    log.log.line(text)

    assert log.tails["a"].text == ""
    assert log.lines == [text]


def test_each_part_of_a_record_with_carriage_returns_is_a_line_of_the_log() -> None:
    log = Log("a")
    log.log.line("one\rtwo\r")

    assert log.lines == ["one", "two"]


def test_each_invocation_has_its_own_platform_lines_and_init_belongs_to_none() -> None:
    log = Log("a", "b")
    for request_id in ("a", "b"):
        log.log.of(request_id).start()
    report = log.log.of("b").end(Outcome())
    log.log.forget("b")

    assert log.tails["a"].text == "START RequestId: a Version: $LATEST\n"
    assert log.tails["b"].text.splitlines()[:2] == ["START RequestId: b Version: $LATEST", "END RequestId: b"]
    assert report.init_duration is None


def test_late_lines_of_recent_invocations_are_recognised() -> None:
    log = Log(*map(str, range(ENDED_LIMIT + 1)))
    for request_id in log.tails:
        log.log.forget(request_id)
    for request_id in ("0", "1"):
        log.log.line(line(request_id))

    assert [log.tails[request_id].text for request_id in ("0", "1")] == ["", f"{line('1')}\n"]


def test_another_attempt_takes_the_lines_of_its_request_id() -> None:
    log = Log("a")
    log.log.forget("a")
    again = LogTail()
    log.log.begin("a", again)
    log.log.line(line("a"))

    assert (log.tails["a"].text, again.text) == ("", f"{line('a')}\n")
