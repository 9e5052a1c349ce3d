import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambda_streamify_emulator.errors import EndpointError
from lambda_streamify_emulator.recordings.recording import Event
from lambda_streamify_emulator.terminal import terminal
from lambda_streamify_emulator.terminal.sparkline import UNICODE
from lambda_streamify_emulator.terminal.stream_view import show


def stream(*events: tuple[str, Any]) -> Iterator[Event]:
    return (Event(number * 500_000, code, data) for number, (code, data) in enumerate(events, 1))


END = ("x", {"reason": "end", "bytes": 9, "chunks": 2})


def test_chunks_are_shown_with_their_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(
        stream(
            ("h", {"status_code": 201, "headers": {"X-A": "b"}, "cookies": ["c=d"]}),
            ("o", "one\n"),
            ("o", "two\nthree"),
            ("b", "/w=="),
            END,
        ),
        as_json=False,
    )

    output, errors = capsys.readouterr()
    assert output == (
        "   0.500 s  HTTP 201\n"
        "            X-A: b\n"
        "            set-cookie: c=d\n"
        "   1.000 s  one\n"
        "   1.500 s  two\n"
        "            three\n"
        "   2.000 s  1 byte\n"
    )
    assert errors == "   2.500 s  2 chunks, 9 bytes\n"


def test_an_error_is_shown_with_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert not show(stream(("e", {"type": "Function.A", "message": "no"}), END), as_json=False)

    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == "error: after 0.500 s: Function.A: no\n   1.000 s  2 chunks, 9 bytes\n"


def test_as_json_each_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = [("o", "grü [bold]\n"), ("e", {"type": "Function.A", "message": ""}), END]

    assert not show(stream(*events), as_json=True)

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [list(event) for event in stream(*events)]
    assert "grü" in lines[0]


def test_json_holds_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a\x1b[2J\x7f\x9b31m\n"
    show(stream(("o", text), END), as_json=True)

    line = capsys.readouterr().out.splitlines()[0]
    assert json.loads(line)[2] == text
    assert line.isprintable()


def test_a_chunk_is_shown_as_soon_as_it_arrives(capsys: pytest.CaptureFixture[str]) -> None:
    def events() -> Iterator[Event]:
        yield Event(0, "o", "first")
        assert "first" in capsys.readouterr().out
        yield Event(1, "x", {"reason": "end", "bytes": 5, "chunks": 1})

    for as_json in (True, False):
        show(events(), as_json=as_json)


def test_the_timeline_is_drawn_at_the_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "sparkline_room", lambda: (30, UNICODE))
    chunks = [("o", "one"), ("o", ""), ("o", "two")]

    assert show(stream(*chunks, END), as_json=False, timeline=True)

    assert capsys.readouterr().err.splitlines()[1:] == [
        "·····│──────────│····· 2.000 s",
        "first 0.500 s, last 1.500 s",
    ]


def test_the_timeline_of_a_stream_that_breaks_is_drawn_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "sparkline_room", lambda: (30, UNICODE))

    def events() -> Iterator[Event]:
        yield Event(500_000, "o", "one")
        raise EndpointError("broke")

    with pytest.raises(EndpointError):
        show(events(), as_json=False, timeline=True)

    assert capsys.readouterr().err.startswith("···")


def test_an_empty_stream_has_no_timeline(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(iter([]), as_json=False, timeline=True)

    assert capsys.readouterr() == ("", "")


def test_as_json_the_figures_are_an_object_after_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    show(stream(("o", "one"), ("o", "two"), END), as_json=True, timeline=True)

    *events, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [event[1] for event in events] == ["o", "o", "x"]
    figures = last["timeline"]
    assert (figures["first_byte"], figures["total"], figures["gaps"]["max"]) == (500_000, 1_500_000, 500_000)


@pytest.mark.parametrize(("status", "succeeded"), [(200, True), (404, True), (500, False), (503, False)])
def test_a_status_of_500_or_more_is_a_failure(status: int, *, succeeded: bool) -> None:
    head = ("h", {"status_code": status, "headers": {}, "cookies": []})

    assert show(stream(head, END), as_json=True) == succeeded
