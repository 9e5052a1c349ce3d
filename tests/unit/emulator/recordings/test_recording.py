import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from documents import blocks
from lambda_streamify_emulator.recordings import recording
from lambda_streamify_emulator.recordings.recording import (
    Event,
    Header,
    RecordingError,
    RecordingReader,
    RecordingWriter,
    chunk_event,
)
from processes import ROOT

PAGE = ROOT / "docs/reference/recording-format.md"
SCHEMA = json.loads((ROOT / "docs/reference/recording-format.schema.json").read_text())
HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'
CLIENT = Header("client")


def written(*chunks: bytes) -> str:
    file = io.StringIO()
    writer = RecordingWriter(file, CLIENT)
    for time, chunk in enumerate(chunks):
        writer.chunk(time, chunk)
    writer.end(len(chunks), "end")
    return file.getvalue()


def read(text: str) -> list[Event]:
    return list(RecordingReader(io.StringIO(text)))


def conforms(line: str, kind: str) -> bool:
    schema = {**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{kind}"}]}
    return bool(Draft202012Validator(schema).is_valid(json.loads(line)))


# --- what is written comes back --------------------------------------------------------------------------------------


@given(st.lists(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace"))))
def test_each_chunk_is_read_back_unchanged(chunks: list[bytes]) -> None:
    *events, end = read(written(*chunks))

    assert [event.chunk for event in events] == chunks
    assert end.data == {"reason": "end", "bytes": sum(map(len, chunks)), "chunks": len(chunks)}


@given(st.lists(st.binary()))
def test_each_line_conforms_to_the_schema(chunks: list[bytes]) -> None:
    header, *events = written(*chunks).splitlines()

    assert conforms(header, "header")
    assert all(conforms(line, "event") for line in events)


def test_text_is_written_so_that_people_can_read_it() -> None:
    assert '"o","naïve\\n"]' in written("naïve\n".encode())
    assert '"b","/w=="]' in written(b"\xff")


def test_a_head_an_error_and_the_header_are_read_back() -> None:
    file = io.StringIO()
    writer = RecordingWriter(file, Header("runtime-api", {"function": "story"}))
    writer.head(1, 201, {"X": "y"}, ["a=1"])
    writer.error(2, "Function.Broken", "why")
    writer.end(3, "error", lost={"chunks": 1, "bytes": 2})

    reader = RecordingReader(io.StringIO(file.getvalue()))
    events = list(reader)

    assert reader.header == Header("runtime-api", {"function": "story"})
    assert not reader.was_cut
    assert events[0].data == {"status_code": 201, "headers": {"X": "y"}, "cookies": ["a=(not recorded)"]}
    assert events[1].data == {"type": "Function.Broken", "message": "why"}
    assert events[2].data == {"reason": "error", "bytes": 0, "chunks": 0, "lost": {"chunks": 1, "bytes": 2}}
    assert all(event.chunk is None for event in events)


def test_a_lone_surrogate_in_a_header_or_an_error_is_read_back_from_a_file(tmp_path: Path) -> None:
    with (tmp_path / "kept").open("w", encoding="utf-8") as file:
        writer = RecordingWriter(file, Header("client"))
        writer.head(1, 200, {"name": "é\ud83d"})
        writer.error(2, "Function.A", "\udc00")
    with (tmp_path / "kept").open(encoding="utf-8") as file:
        head, error = RecordingReader(file)

    assert head.data["headers"] == {"name": "é\ud83d"}
    assert error.data["message"] == "\udc00"


def test_secrets_are_written_only_on_request() -> None:
    headers = {"Set-Cookie": "s=1", "X-API-Key": "k", "content-type": "text/plain"}
    shown, hidden = io.StringIO(), io.StringIO()
    RecordingWriter(hidden, CLIENT).head(0, 200, headers, ["session=abc; Path=/"])
    RecordingWriter(shown, CLIENT, secrets=True).head(0, 200, headers, ["session=abc; Path=/"])

    assert read(hidden.getvalue())[0].data == {
        "status_code": 200,
        "headers": {"Set-Cookie": "(not recorded)", "X-API-Key": "(not recorded)", "content-type": "text/plain"},
        "cookies": ["session=(not recorded)"],
    }
    assert read(shown.getvalue())[0].data["headers"] == headers
    assert read(shown.getvalue())[0].data["cookies"] == ["session=abc; Path=/"]


def test_unknown_codes_are_kept_and_written_again() -> None:
    [event] = read(HEADER + '[5,"note",{"any":"thing"}]\n')
    file = io.StringIO()

    RecordingWriter(file, CLIENT).event(event)

    assert file.getvalue() == HEADER + '[5,"note",{"any":"thing"}]\n'


def test_empty_lines_and_comments_are_ignored() -> None:
    assert read(f'# by hand\n\n{HEADER}# a pause\n\n[1,"o","x"]\n') == [Event(1, "o", "x")]


# --- what is damaged -------------------------------------------------------------------------------------------------


def test_a_recording_without_its_end_is_read_and_was_cut() -> None:
    reader = RecordingReader(io.StringIO(HEADER + '[1,"o","x"]\n'))

    assert list(reader) == [Event(1, "o", "x")]
    assert reader.was_cut


HEAD_DATA: dict[str, Any] = {"status_code": 200, "headers": {}, "cookies": []}
END_DATA: dict[str, Any] = {"reason": "end", "bytes": 0, "chunks": 0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('[1,"o","x"', "cut"),
        ("[1,\n", "not JSON"),
        ('{"a":1}\n', "an array of three"),
        ('[1,"o"]\n', "an array of three"),
        ('[-1,"o","x"]\n', "the time is -1"),
        ('[1.5,"o","x"]\n', "the time is 1.5"),
        ('[true,"o","x"]\n', "the time is True"),
        ('[1,2,"x"]\n', "the code is 2"),
        ('[1,"o",7]\n', "not int"),
        ('[1,"o","\\ud800"]\n', "lone surrogate"),
        ('[1,"b","?"]\n', "not base64"),
        ('[1,"b","YQ"]\n', "not base64"),
        ('[1,"b",{}]\n', "not dict"),
        ('[1,"h",{}]\n', "status_code, which is missing"),
        ('[1,"h",null]\n', "status_code, which is missing"),
        (f'[1,"h",{json.dumps({**HEAD_DATA, "status_code": 99})}]\n', "status_code is 99"),
        (f'[1,"h",{json.dumps({**HEAD_DATA, "headers": {"a": 1}})}]\n', "headers is"),
        (f'[1,"h",{json.dumps({**HEAD_DATA, "cookies": "a"})}]\n', "cookies is 'a'"),
        ('[1,"e",{"type":"x"}]\n', "message, which is missing"),
        ('[1,"e",{"type":"x","message":1}]\n', "message is 1"),
        (f'[1,"x",{json.dumps({**END_DATA, "reason": "because"})}]\n', "reason is 'because'"),
        (f'[1,"x",{json.dumps({**END_DATA, "bytes": -1})}]\n', "bytes is -1"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number_and_the_reason(line: str, reason: str) -> None:
    with pytest.raises(RecordingError, match=reason) as raised:
        read(HEADER + '[0,"o","before"]\n' + line)

    assert raised.value.line == 3
    if reason not in ("cut", "not JSON", "lone surrogate"):
        assert not conforms(line, "event")


def test_a_time_that_goes_backwards_is_refused() -> None:
    with pytest.raises(RecordingError, match="line 3: the time goes backwards, from 5 to 4 microseconds"):
        read(HEADER + '[5,"o","x"]\n[4,"o","y"]\n')


def test_an_event_after_the_end_is_refused() -> None:
    with pytest.raises(RecordingError, match="line 3: an event after the end"):
        read(written() + '[9,"o","x"]\n')


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("", "not a recording"),
        ("[1]\n", "not a recording"),
        ("not JSON\n", "not JSON"),
        ('{"version":1}\n', "not a recording"),
        (
            '{"version":2,"kind":"lambda-stream","layer":"client"}\n',
            "version is 2; this program reads version 1",
        ),
        ('{"version":true,"kind":"lambda-stream","layer":"client"}\n', "version is True"),
        ('{"version":1,"kind":"lambda-stream","layer":"moon"}\n', "layer is 'moon'; it must be one of"),
    ],
)
def test_an_invalid_first_line_is_refused(first: str, reason: str) -> None:
    with pytest.raises(RecordingError, match=reason):
        RecordingReader(io.StringIO(first))


@given(st.text())
def test_any_text_is_a_recording_or_one_error_with_a_line(text: str) -> None:
    lines: list[int] = []
    try:
        read(HEADER + text)
    except RecordingError as error:
        lines.append(error.line)

    assert all(line > 1 for line in lines)


# --- memory ----------------------------------------------------------------------------------------------------------


class Discarding(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def test_a_long_recording_is_written_and_read_in_constant_memory() -> None:
    def lines(count: int) -> Iterator[str]:
        yield HEADER
        yield from ('[1,"o","twenty bytes of text"]\n' for _ in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        writer = RecordingWriter(Discarding(), CLIENT)  # type: ignore[arg-type]
        for event in RecordingReader(lines(count)):
            writer.chunk(event.time, event.chunk or b"")
        assert writer.chunks == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)  # creates what is created only once
    assert peak(20_000) < 2 * peak(200)


# --- page, schema and code agree -------------------------------------------------------------------------------------


def test_the_pages_example_is_a_recording_of_every_code() -> None:
    [example] = blocks(PAGE, "ndjson")
    events = read(example)

    assert {event.code for event in events} == set(recording.CODES)
    assert events[-1].data["bytes"] == sum(len(event.chunk or b"") for event in events)
    assert events[-1].data["chunks"] == sum(event.chunk is not None for event in events)
    header, *lines = [line for line in example.splitlines() if not line.startswith("#")]
    assert conforms(header, "header")
    assert all(conforms(line, "event") for line in lines)


def test_the_page_names_every_code_layer_reason_and_hidden_header() -> None:
    page = PAGE.read_text()
    codes = set(re.findall(r"^\| `(\w)` \|", page, re.MULTILINE))

    assert codes == set(recording.CODES)
    names = (*recording.LAYERS, *recording.REASONS, *recording.SECRET_HEADERS, recording.HIDDEN)
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_schema_lists_what_the_code_does() -> None:
    definitions = SCHEMA["$defs"]

    assert {name for name in definitions if len(name) == 1} == set(recording.CODES)
    assert definitions["header"]["properties"]["layer"]["enum"] == list(recording.LAYERS)
    assert definitions["header"]["properties"]["version"]["const"] == recording.VERSION
    assert definitions["x"]["properties"]["reason"]["enum"] == list(recording.REASONS)


def test_the_module_imports_only_the_standard_library() -> None:
    source = (ROOT / "emulator/lambda_streamify_emulator/recordings/recording.py").read_text()

    assert not re.search(r"^\s*(from|import) (\.|lambda_streamify)", source, re.MULTILINE)


def test_an_empty_chunk_is_text() -> None:
    assert chunk_event(3, b"") == Event(3, "o", "")


HOSTILE = [
    (f'[{"1" * 400},"o","a"]\n', "the time is 1111"),
    (
        f'[{2**53},"o","a"]\n',
        "the time is 9007199254740992; it must be a whole number of microseconds, up to 9007199254740991",
    ),
    (f'[{"1" * 5000},"o","a"]\n', "it contains a number larger than 9007199254740991"),
    ('[1,"x",{"reason":"end","bytes":' + "1" * 400 + ',"chunks":1}]\n', "bytes is 1111"),
    ("[" * 200_000 + "\n", "its arrays or objects are nested too deeply"),
    ("[" * 200_000, "the line is cut: it ends with '[[[["),
    ("[" + "[" * 900 + "]" * 900 + ',"o","a"]\n', "the time is [[["),
    ('["' + "t" * 1_000_000 + '","o","a"]\n', "the time is 'tttt"),
    ('[1,["' + "t" * 1_000_000 + '"],"a"]\n', "the code is ['tttt"),
    ('[1,"x",{"reason":"' + "t" * 1_000_000 + '","bytes":1,"chunks":1}]\n', "reason is 'tttt"),
]


@pytest.mark.parametrize(("line", "reason"), HOSTILE, ids=[reason for _, reason in HOSTILE])
def test_for_any_line_the_message_is_one_short_line(line: str, reason: str) -> None:
    with pytest.raises(RecordingError) as raised:
        list(RecordingReader([HEADER, line]))

    assert raised.value.reason.startswith(reason)
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


def test_the_largest_number_is_read() -> None:
    (event,) = RecordingReader([HEADER, f'[{2**53 - 1},"o","a"]\n'])

    assert event.time == 2**53 - 1
