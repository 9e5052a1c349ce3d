import json

import pytest

from exchanges import exchanged
from lambda_streamify_emulator.terminal.request_line import (
    is_problem,
    json_fields,
    short_duration,
    short_size,
    text_line,
    utc,
)
from lambda_streamify_emulator.web.exchange import CUT, LEFT, Exchange


def test_a_stream_is_one_line() -> None:
    line = text_line(exchanged(*[b"x" * 143] * 84))

    assert line == "POST /chat 200 3.2 s first byte 0.31 s 84 chunks 12 kB  chat"


@pytest.mark.parametrize(
    ("exchange", "line"),
    [
        (exchanged(status=204), "POST /chat 204 3.2 s  chat"),
        (exchanged(b"x"), "POST /chat 200 3.2 s first byte 0.31 s 1 chunk 1 B  chat"),
        (exchanged(b"x", ending=CUT), "POST /chat 200 3.2 s first byte 0.31 s 1 chunk 1 B  response cut  chat"),
        (exchanged(status=None, ending=LEFT), "POST /chat - 3.2 s  client left  chat"),
        (exchanged(status=429, reason="throttled"), "POST /chat 429 3.2 s  throttled  chat"),
    ],
)
def test_a_line_says_how_a_request_ended(exchange: Exchange, line: str) -> None:
    assert text_line(exchange) == line


def test_a_client_cannot_control_the_terminal_or_write_lines_of_its_own() -> None:
    assert "\\x1b[2J\\x0a\\x9b" in text_line(exchanged(path="/\x1b[2J\n\x9b"))


@pytest.mark.parametrize(
    ("status", "style"), [(200, "green"), (302, "cyan"), (404, "yellow"), (502, "bold red"), (None, "dim")]
)
def test_the_colour_of_the_status_shows_its_kind(status: int | None, style: str) -> None:
    line = text_line(exchanged(status=status), lambda text, style: f"<{style}>{text}")

    assert f"POST /chat <{style}>{status or '-'} " in line


def test_programs_get_named_fields_with_units() -> None:
    fields = json.loads(json.dumps(json_fields(exchanged(b"abc", b"de"))))

    assert fields == {
        "time": "2023-11-14T22:13:20.250Z",
        "type": "request",
        "method": "POST",
        "path": "/chat",
        "query": "",
        "status": 200,
        "ending": "complete",
        "reason": None,
        "first_byte_s": 0.31,
        "duration_s": 3.2,
        "chunks": 2,
        "bytes": 5,
        "function": "chat",
        "api": None,
        "request_id": "r-1",
        "client": "192.0.2.7",
    }
    assert json_fields(exchanged(status=None, ending=LEFT))["first_byte_s"] is None


@pytest.mark.parametrize(
    ("exchange", "problem"),
    [
        (exchanged(), False),
        (exchanged(ending=LEFT), False),
        (exchanged(status=404), True),
        (exchanged(ending=CUT), True),
        (exchanged(reason="preflight"), False),
        (exchanged(reason="preflight refused: the origin https://a is not allowed"), True),
    ],
)
def test_a_problem_is_an_error_a_cut_response_or_a_refused_preflight(
    exchange: Exchange,
    problem: bool,  # noqa: FBT001
) -> None:
    assert is_problem(exchange) is problem


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0.0 ms"),
        (840, "0.8 ms"),
        (9_940, "9.9 ms"),
        (9_960, "10 ms"),
        (99_400, "99 ms"),
        (99_600, "0.10 s"),
        (310_000, "0.31 s"),
        (996_000, "1.0 s"),
        (9_940_000, "9.9 s"),
        (9_960_000, "10 s"),
        (123_400_000, "123 s"),
    ],
)
def test_a_duration_has_about_two_digits(microseconds: int, text: str) -> None:
    assert short_duration(microseconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (9_960, "10 kB"), (999_499, "999 kB"), (999_500, "1.0 MB")],
)
def test_a_size_has_about_two_digits(size: int, text: str) -> None:
    assert short_size(size) == text


def test_a_time_is_in_utc() -> None:
    assert utc(0) == "1970-01-01T00:00:00.000Z"
