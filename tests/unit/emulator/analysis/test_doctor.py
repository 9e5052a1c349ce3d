import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.analysis import advice
from lambda_streamify_emulator.analysis.doctor import Lag, diagnose, measure_lag, show_recordings
from lambda_streamify_emulator.analysis.symptoms import Symptoms, examine
from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.recordings.recording import Event, Header, RecordingWriter, chunk_event

MS = 1000
SECOND = 1_000_000


def stream(*milliseconds: float, size: int = 10) -> list[Event]:
    return [chunk_event(round(time * MS), b"x" * size) for time in milliseconds]


def head(status: int = 200, **headers: str) -> Event:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Event(0, "h", {"status_code": status, "headers": names, "cookies": []})


def client(*events: Event) -> Symptoms:
    return examine("client", events)


def runtime(*events: Event) -> Symptoms:
    return examine("runtime-api", events)


OF_1024 = "; always a multiple of 1,024 bytes"
STEADY = stream(100, 200, 300, 400, 500)
BURST = stream(515, 515.01, 515.02, 515.03, 515.035)


# --- one layer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "verdict", "summary"),
    [
        (STEADY, "streamed", "5 chunks came at 5 different times, the first after 0.100 s, the gap p50 0.100 s"),
        (BURST, "burst", "5 of 5 chunks came within 0.04 ms, 0.515 s after the request"),
        (
            stream(20, *range(13_800, 13_810)),
            "burst",
            "10 of 11 chunks came within 9.00 ms, 13.800 s after the request",
        ),
        (
            stream(100, 100, 200, 200, 300, 300),
            "streamed",
            "6 chunks came at 3 different times, the first after 0.100 s, the gap p50 0.00 ms",
        ),
        (stream(515), "piece", "10 bytes came in one piece, after 0.515 s"),
        (stream(5, 5.1, 5.2), "quick", "3 of 3 chunks came within 0.20 ms, 5.00 ms after the request"),
        (stream(100, 200, size=0), "nothing", "no byte of a body came in 0.200 s"),
        ([], "nothing", "no byte of a body came in 0.00 ms"),
        (
            stream(100, 200, 300, 400, size=1024),
            "streamed",
            "4 chunks came at 4 different times, the first after 0.100 s, the gap p50 0.100 s" + OF_1024,
        ),
    ],
)
def test_the_times_of_a_stream_show_how_it_arrived(events: list[Event], verdict: str, summary: str) -> None:
    symptoms = client(*events)

    assert (symptoms.verdict, symptoms.summary) == (verdict, summary)


def test_blocks_are_recognised_even_if_they_arrive_in_pieces_and_the_last_is_shorter() -> None:
    pieces = [chunk_event(time * 100 * MS + part, b"x" * 2048) for time in range(1, 5) for part in (0, 1)]

    assert client(*pieces, chunk_event(600 * MS, b"rest")).block_size == 4096
    assert client(*pieces[:-1], chunk_event(600 * MS, b"rest")).block_size == 2048 // 2
    assert client(*pieces[:4]).block_size is None  # too few to tell


def test_a_burst_is_examined_in_constant_memory() -> None:
    def events(count: int) -> Iterator[Event]:
        return (Event(number, "o", "twenty bytes of text") for number in range(count))

    tracemalloc.start()
    assert examine("client", events(10_000)).largest == 10_000
    assert measure_lag(events(10_000), events(10_000)) == Lag(0, 0, 0, 9_999)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 200_000


def cut(milliseconds: float) -> list[Event]:
    time = round(milliseconds * MS)
    return [
        Event(time, "e", {"type": "IncompleteRead", "message": "cut"}),
        Event(time, "x", {"reason": "disconnect", "bytes": 50, "chunks": 5}),
    ]


@pytest.mark.parametrize("chunks", [STEADY, BURST[:1], []])
def test_a_response_that_was_cut_is_reported_as_such_however_it_came(chunks: list[Event]) -> None:
    last = chunks[-1].time if chunks else 0

    found = diagnose(None, client(head(server="nginx"), *chunks, *cut(last / MS + 60_000)))

    assert (found.verdict, found.has_streamed) == ("cut", False)
    assert found.findings[-1] == "client: the connection broke 60.000 s after the last byte"
    assert "`proxy_read_timeout 900s;`" in found.advice[0]


def test_a_client_that_left_or_a_function_that_failed_is_no_cut() -> None:
    left = Event(SECOND, "x", {"reason": "disconnect", "bytes": 50, "chunks": 5})

    assert diagnose(None, client(*STEADY, left)).verdict == "streamed"
    assert diagnose(None, runtime(*STEADY, *cut(600))).verdict == "streamed"


# --- two layers ------------------------------------------------------------------------------------------------------


def test_lag_is_measured_on_bytes_regardless_of_chunks() -> None:
    written = [chunk_event(100, b"ab"), chunk_event(200, b"cd"), chunk_event(900, b"ef")]
    read = [chunk_event(110, b"a"), chunk_event(150, b"bc"), chunk_event(950, b"def")]

    assert measure_lag(written, read) == Lag(least=50, most=750, held=1, compared=2)


def test_lag_is_measured_as_far_as_the_client_read() -> None:
    assert measure_lag(stream(1, 2, 3), stream(2)) == Lag(MS, MS, 1, 1)
    assert measure_lag(stream(1), []) is None
    assert measure_lag([], stream(1)) is None


def test_a_stream_at_both_layers_needs_no_advice() -> None:
    found = diagnose(runtime(*STEADY), client(*STEADY), measure_lag(STEADY, STEADY))

    assert found.has_streamed
    assert (found.where, found.advice) == (None, [])
    assert found.findings[-1] == "between the two: 0.00 ms to 0.00 ms"


def test_a_burst_that_the_runtime_wrote_was_held_in_the_function() -> None:
    found = diagnose(runtime(*BURST), client(*BURST))

    assert (found.verdict, found.where) == ("burst", "in the function: the runtime itself wrote it this way")
    assert found.advice == advice.in_function(runtime(*BURST))
    assert not found.has_streamed


def test_a_burst_at_the_client_of_a_stream_at_the_runtime_was_held_between_them() -> None:
    symptoms = client(head(content_encoding="gzip"), *BURST)
    found = diagnose(runtime(*STEADY), symptoms, measure_lag(STEADY, BURST))

    assert (found.verdict, found.where) == ("burst", "between the runtime and the client")
    assert found.advice == advice.on_the_way(symptoms)


def test_chunks_that_come_with_the_next_one_are_seen() -> None:
    late = stream(200, 300, 400, 500, 501)
    found = diagnose(runtime(*STEADY), client(*late), measure_lag(STEADY, late))

    assert found.verdict == "late"
    assert found.where == "between the runtime and the client: each chunk arrived only with the next one"
    assert found.advice[-1] == advice.FLUSH_EACH_RECORD


def test_a_burst_at_the_client_alone_may_have_been_held_anywhere() -> None:
    found = diagnose(None, client(*BURST))

    assert found.where is None
    assert found.advice[-1] == advice.RECORD_BOTH_LAYERS
    assert set(advice.in_function(client(*BURST))) < set(found.advice)


def test_a_burst_at_the_runtime_alone_was_held_in_the_function() -> None:
    assert diagnose(None, runtime(*BURST)).advice == advice.in_function(runtime(*BURST))


def test_an_error_is_no_reason_to_change_how_the_function_sends() -> None:
    diagnosis = diagnose(None, client(head(403, content_length="10"), *stream(515)))

    assert (diagnosis.verdict, diagnosis.has_streamed) == ("piece", False)
    assert [text.split(":")[0] for text in diagnosis.advice] == ["The status is 403"]


def test_a_response_that_was_too_quick_gets_no_advice() -> None:
    quick = stream(1, 1, 1)

    for found in (diagnose(None, client(*quick)), diagnose(runtime(*quick), client(*STEADY))):
        assert (found.verdict, found.advice, found.has_streamed) == ("quick", [], False)


def test_blocks_are_reported_although_it_streamed() -> None:
    found = diagnose(None, client(*stream(100, 200, 300, 400, size=1024)))

    assert found.has_streamed
    assert found.advice == advice.blocks(1024)


def test_chunks_that_were_not_recorded_are_reported() -> None:
    lossy = Event(SECOND, "x", {"reason": "end", "bytes": 9, "chunks": 3, "lost": {"chunks": 2, "bytes": 6}})

    assert diagnose(None, client(*STEADY, lossy)).findings[1:] == ["client: 2 more were not recorded"]


def test_recordings_of_different_lengths_may_not_be_of_one_request() -> None:
    findings = diagnose(runtime(*STEADY), client(*STEADY[:-1])).findings

    assert findings[-1] == "the two differ in length, 50 and 40 bytes: do they record the same request?"


# --- files and URLs --------------------------------------------------------------------------------------------------


def written(path: Path, layer: str, *events: Event) -> Path:
    with path.open("w") as file:
        writer = RecordingWriter(file, Header(layer))
        for event in events:
            writer.event(event)
    return path


def test_a_recording_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_recordings(written(tmp_path / "a", "client", *STEADY), None, as_json=False)
    finding = "client: 5 chunks came at 5 different times, the first after 0.100 s, the gap p50 0.100 s"
    assert capsys.readouterr().out == f"It streamed.\n  {finding}\n"


def test_two_recordings_are_told_apart_by_their_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = written(tmp_path / "near", "runtime-api", *STEADY)
    far = written(tmp_path / "far", "client", *BURST)

    for first, second in ((near, far), (far, near)):
        assert not show_recordings(first, second, as_json=False)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "It did not stream: it came in one burst."
        assert [line.split(":")[0].strip() for line in lines[1:3]] == ["runtime-api", "client"]
        assert lines[4:6] == ["held between the runtime and the client", "what to check:"]


def test_as_json_the_diagnosis_has_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = written(tmp_path / "near", "runtime-api", *STEADY)
    far = written(tmp_path / "far", "client", *BURST)

    show_recordings(near, far, as_json=True)

    fields: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (fields["verdict"], fields["where"]) == ("burst", "between the runtime and the client")
    assert fields["lag"] == {"least": 15_035, "most": 415_000}
    assert (fields["layers"]["client"]["bursts"], fields["layers"]["runtime-api"]["chunks"]) == (1, 5)


def test_two_recordings_of_one_layer_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "client")

    with pytest.raises(EmulatorError, match=r"are both of the layer client: give one of each layer$"):
        show_recordings(path, path, as_json=False)


# --- envelopes -------------------------------------------------------------------------------------------------------

PROXY_BODY = b'{"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}'
PRELUDE_BODY = b'{"statusCode": 200, "headers": {}}' + bytes(8)


def chunks(*bodies: bytes) -> list[Event]:
    return [chunk_event(number * 100 * MS, body) for number, body in enumerate(bodies)]


@pytest.mark.parametrize(
    ("events", "setting"),
    [
        (chunks(PROXY_BODY), "`AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify`"),
        (chunks(PROXY_BODY[:20], PROXY_BODY[20:]), "`AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify`"),
        (chunks(PRELUDE_BODY + b"hello"), "set `InvokeMode: RESPONSE_STREAM` at the URL"),
        (chunks(PRELUDE_BODY, b"one", b"two", b"three"), "set `InvokeMode: RESPONSE_STREAM` at the URL"),
    ],
)
def test_an_envelope_in_place_of_the_body_names_the_setting(events: list[Event], setting: str) -> None:
    diagnosis = diagnose(None, client(head(), *events))

    assert (diagnosis.verdict, diagnosis.has_streamed) == ("envelope", False)
    assert setting in diagnosis.advice[0]


def test_an_envelope_is_only_one_for_an_http_client() -> None:
    events = chunks(PROXY_BODY)

    assert diagnose(None, client(*events)).verdict == "piece"
    assert diagnose(None, runtime(head(), *events)).verdict == "piece"


def test_an_envelope_is_printed_with_its_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not show_recordings(written(tmp_path / "a", "client", head(), *chunks(PROXY_BODY)), None, as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The body is the envelope of a response: status, headers and body, which nothing unwrapped."
    assert lines[2].startswith("caused by two settings that do not fit")
