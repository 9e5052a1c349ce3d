"""The built layer under AWS's own Runtime Interface Emulator: what callers get, what is logged, what is survived.

The emulator answers in one piece and leaves the prelude and its NUL bytes in the body, so that each byte that the
runtime sends before its trailers can be compared.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from layer_build import MODULES, SOURCE, build_layer
from process_table import is_running
from processes import ROOT
from rie import Rie, function_url_event, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="AWS's emulator is a program for Linux")

HANDLERS = ROOT / "tests" / "data" / "rie_handlers"
APP = HANDLERS / "app.py"

NULS = b"\0\0\0\0\0\0\0\0"
# What `http` in the handlers' file makes of a body, and what a bare generator gets.
PRELUDE = (
    b'{"statusCode":201,"headers":{"x-kind":"brief","content-type":"text/plain; charset=utf-8"},'
    b'"cookies":["a=1; Path=/"]}' + NULS
)
TEXT_PRELUDE = b'{"statusCode":200,"headers":{"content-type":"text/plain; charset=utf-8"}}' + NULS
JSON_PRELUDE = b'{"statusCode":200,"headers":{"content-type":"application/json"}}' + NULS

# 6 MB and something for the envelope, as the emulator says it in its answer.
LARGEST = 6 * 1024 * 1024 + 100
TOO_LARGE = {
    "errorType": "Function.ResponseSizeTooLarge",
    "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
}


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@pytest.fixture(scope="module")
def rie(layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rie]:
    with running(layer, HANDLERS, "app.handler", tmp_path_factory.mktemp("rie")) as rie:
        yield rie


@pytest.fixture(scope="module")
def sam_local(layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rie]:
    scratch = tmp_path_factory.mktemp("sam-local")
    with running(layer, HANDLERS, "app.handler", scratch, AWS_SAM_LOCAL="true") as rie:
        yield rie


@contextmanager
def next_invocation_in_same_process(rie: Rie) -> Iterator[None]:
    before = rie.invoke({"case": "process"})
    yield
    after = rie.invoke({"case": "process"})
    assert (after.status, after.body) == (200, before.body)


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["streamed", "async_streamed"])
def test_a_function_url_gets_the_prelude_and_then_the_chunks_as_they_are(rie: Rie, case: str) -> None:
    answer = rie.invoke(function_url_event(case=case))

    assert (answer.status, answer.body) == (200, PRELUDE + b"one, \x00\xff two, three")


@pytest.mark.parametrize("case", ["streamed", "async_streamed"])
def test_a_direct_caller_gets_the_chunks_and_no_prelude(rie: Rie, case: str) -> None:
    answer = rie.invoke({"case": case})

    assert (answer.status, answer.body) == (200, b"one, \x00\xff two, three")


def test_an_empty_body_still_has_its_prelude(rie: Rie) -> None:
    answer = rie.invoke(function_url_event(case="empty"))

    assert (answer.status, answer.body) == (200, TEXT_PRELUDE)


def test_a_direct_caller_of_an_empty_generator_gets_nothing(rie: Rie) -> None:
    answer = rie.invoke({"case": "empty"})

    assert (answer.status, answer.body) == (200, b"")


def test_a_stream_of_the_largest_size_passes(rie: Rie) -> None:
    answer = rie.invoke({"case": "sized", "size": LARGEST})

    assert (answer.status, len(answer.body), answer.body[-2:]) == (200, LARGEST, b"\0!")


def test_streams_and_plain_values_log_nothing_of_their_own(rie: Rie) -> None:
    with rie.logged() as log, next_invocation_in_same_process(rie):
        rie.invoke({"case": "streamed"})
        rie.invoke(function_url_event(case="async_streamed"))
        rie.invoke({"case": "plain", "value": None})

    assert log == []


def test_what_a_function_logs_carries_the_id_of_its_invocation(rie: Rie) -> None:
    with rie.logged() as log:
        answer = rie.invoke({"case": "logs"})

    assert answer.body == b"one, two"
    before, during, printed = log
    assert re.fullmatch(rf"\[WARNING\]\t\S+Z\t{answer.request_id}\tbefore the first chunk", before)
    assert re.fullmatch(rf"\[WARNING\]\t\S+Z\t{answer.request_id}\tbetween two chunks", during)
    assert printed == "printed"


# --- plain values ----------------------------------------------------------------------------------------------------


def test_a_plain_value_is_json_as_aws_writes_it(rie: Rie) -> None:
    answer = rie.invoke({"case": "plain", "value": {"answer": [42, None, True], "text": ""}})

    assert (answer.status, answer.body) == (200, b'{"answer": [42, null, true], "text": ""}')


def test_a_function_url_gets_a_plain_value_as_a_json_body(rie: Rie) -> None:
    answer = rie.invoke(function_url_event(case="plain", value={"answer": 42}))

    assert (answer.status, answer.body) == (200, JSON_PRELUDE + b'{"answer": 42}')


def test_a_function_url_gets_a_buffered_response_with_its_status_headers_and_cookies(rie: Rie) -> None:
    answer = rie.invoke(function_url_event(case="plain_http"))

    assert answer.status == 200
    assert answer.body == PRELUDE.replace(b"text/plain; charset=utf-8", b"application/json") + b"short"


# Beyond the basic plane, combining, and what JavaScript and terminals take for the end of a line or of a text.
FOREIGN = "žluťoučký 東京 😀 e\u0301 \u2028\x85\0\r\n"


def test_text_of_any_script_streams_as_utf_8(rie: Rie) -> None:
    answer = rie.invoke({"case": "echoed", "text": FOREIGN})

    assert (answer.status, answer.body) == (200, FOREIGN.encode())


def test_text_of_any_script_in_a_plain_value_is_escaped_where_aws_escapes_it(rie: Rie) -> None:
    answer = rie.invoke({"case": "plain", "value": {FOREIGN: FOREIGN}})

    # AWS's runtime stopped escaping with Python 3.12.
    assert answer.body == json.dumps({FOREIGN: FOREIGN}, ensure_ascii=sys.version_info < (3, 12)).encode()
    assert answer.status == 200


# --- errors ----------------------------------------------------------------------------------------------------------


def frame(function: str, code: str) -> str:
    """Return one entry of a stack trace: this line of code in this function of the handlers' file."""
    lines = APP.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if re.search(rf"\bdef {function}\(", line))
    line = next(number for number in range(start, len(lines)) if lines[number].strip() == code)
    return f'  File "{APP}", line {line + 1}, in {function}\n    {code}\n'


def report(error_type: str, message: str, stack_trace: list[str], request_id: str = "") -> bytes:
    """Return an error as callers get it."""
    fields = {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": stack_trace}
    return json.dumps(fields).encode()


def record(error_type: str, message: str, stack_trace: list[str]) -> str:
    """Return an error as it is logged: one record, hence carriage returns, and spaces that do not collapse."""
    frames = [re.sub("^ +", lambda spaces: "\xa0" * len(spaces[0]), line) for line in "".join(stack_trace).splitlines()]
    return "\r".join([f"[ERROR] {error_type}: {message}", "Traceback (most recent call last):", *frames])


HANDLER_FRAME = ("handler", 'return CASES[event["case"]](event)')


@pytest.mark.parametrize("event", [{}, function_url_event()], ids=["direct", "url"])
@pytest.mark.parametrize(
    ("case", "message", "frames"),
    [
        ("fails", "no answer", [HANDLER_FRAME, ("fails", 'raise ValueError("no answer")')]),
        ("fails_first", "no first chunk", [("fails_first", 'raise ValueError("no first chunk")')]),
        ("async_fails_first", "no first chunk", [("async_fails_first", 'raise ValueError("no first chunk")')]),
    ],
)
def test_an_error_before_the_first_byte_is_the_answer_and_is_logged_once(  # noqa: PLR0917
    rie: Rie, tmp_path: Path, event: dict[str, Any], case: str, message: str, frames: list[tuple[str, str]]
) -> None:
    with rie.logged() as log, next_invocation_in_same_process(rie):
        answer = rie.invoke({**event, "case": case, "note": str(tmp_path / "note")})

    stack_trace = [frame(*place) for place in frames]
    assert (answer.status, answer.body) == (200, report("ValueError", message, stack_trace, answer.request_id))
    assert log == [record("ValueError", message, stack_trace)]


@pytest.mark.parametrize(("event", "prelude"), [({}, b""), (function_url_event(), TEXT_PRELUDE)], ids=["direct", "url"])
@pytest.mark.parametrize("case", ["fails_later", "async_fails_later"])
def test_an_error_after_the_first_byte_leaves_the_body_so_far_and_is_logged_once(
    rie: Rie, tmp_path: Path, event: dict[str, Any], prelude: bytes, case: str
) -> None:
    with rie.logged() as log, next_invocation_in_same_process(rie):
        answer = rie.invoke({**event, "case": case, "note": str(tmp_path / "note")})

    assert (answer.status, answer.body) == (200, prelude + b"one, two")
    assert log == [record("LookupError", "no third chunk", [frame(case, 'raise LookupError("no third chunk")')])]


DEEP = {"frames": 200, "size": 1_000_000}


def deep_stack_trace(case: str) -> list[str]:
    down, on = frame("dive", "return dive_on(frames - 1, size)"), frame("dive_on", "return dive(frames - 1, size)")
    bottom = frame("dive_on", 'raise ValueError("m" * size)')
    return [frame(case, 'yield dive(event["frames"], event["size"])'), *[down, on] * 99, down, bottom]


def test_a_huge_error_before_the_first_byte_is_answered_and_logged_in_full(rie: Rie) -> None:
    with rie.logged() as log, next_invocation_in_same_process(rie):
        answer = rie.invoke({"case": "fails_deep_first", **DEEP})

    message, stack_trace = "m" * 1_000_000, deep_stack_trace("fails_deep_first")
    assert len(stack_trace) == 201
    assert (answer.status, answer.body) == (200, report("ValueError", message, stack_trace, answer.request_id))
    assert log == [record("ValueError", message, stack_trace)]


@pytest.mark.parametrize(("event", "prelude"), [({}, b""), (function_url_event(), TEXT_PRELUDE)], ids=["direct", "url"])
def test_a_huge_error_after_the_first_byte_does_not_lose_the_stream(
    rie: Rie, event: dict[str, Any], prelude: bytes
) -> None:
    """Trailers of 4096 bytes would: Go's HTTP server, the emulator's, resets the connection."""
    with rie.logged() as log, next_invocation_in_same_process(rie):
        answer = rie.invoke({**event, "case": "fails_deep_later", **DEEP})

    assert (answer.status, answer.body) == (200, prelude + b"so far")
    assert log == [record("ValueError", "m" * 1_000_000, deep_stack_trace("fails_deep_later"))]


@pytest.mark.parametrize(
    "event",
    [
        {"case": "sized", "size": LARGEST + 1},
        function_url_event(case="sized", size=LARGEST),
        {"case": "plain_sized", "size": LARGEST - 1},  # and its two quotation marks
    ],
    ids=["stream", "stream-with-prelude", "plain-value"],
)
def test_a_response_that_is_too_large_is_refused_logged_and_survived(rie: Rie, event: dict[str, Any]) -> None:
    with rie.logged() as log, next_invocation_in_same_process(rie):
        answer = rie.invoke(event)

    assert (answer.status, json.loads(answer.body)) == (200, TOO_LARGE)
    (line,) = log
    level, _time, request_id, message = line.split("\t")
    assert (level, request_id) == ("[ERROR]", answer.request_id)
    assert message.startswith("the response was not delivered: the Runtime API answered 413 to response: {")


# --- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [{}, function_url_event()], ids=["direct", "url"])
@pytest.mark.parametrize(
    "case",
    [
        "closes",
        "async_closes",
        "fails_first",
        "async_fails_first",
        "fails_later",
        "async_fails_later",
        "yields_a_number",
        "async_yields_a_number",
    ],
)
def test_a_generator_is_closed_once_however_its_stream_ends(
    rie: Rie, tmp_path: Path, event: dict[str, Any], case: str
) -> None:
    note = tmp_path / "note"
    with next_invocation_in_same_process(rie):
        rie.invoke({**event, "case": case, "note": str(note)})

    assert note.read_text() == "closed\n"


def test_a_process_that_is_gone_in_the_middle_of_a_body_is_replaced(layer: Path, tmp_path: Path) -> None:
    # An emulator of its own: a process that goes like this takes along what coverage has counted in it.
    with running(layer, HANDLERS, "app.handler", tmp_path) as rie:
        answer = rie.invoke({"case": "exits"})
        after = rie.invoke({"case": "process"})

    message = f"RequestId: {answer.request_id} Error: Runtime exited with error: exit status 3"
    assert answer.status == 502
    assert json.loads(answer.body) == {"errorType": "Runtime.ExitError", "errorMessage": message}
    assert (after.status, after.body.isdigit()) == (200, True)


def test_a_handler_that_exits_in_the_middle_of_a_body_sends_the_body_so_far_and_then_exits(rie: Rie) -> None:
    gone = rie.invoke({"case": "process"})

    with rie.logged() as log:
        answer = rie.invoke({"case": "quits"})
        new = rie.invoke({"case": "process"})

    assert (answer.status, answer.body) == (502, b"so far")
    assert log == [record("SystemExit", "3", [frame("quits", "sys.exit(3)")])]
    assert new.status == 200
    assert (is_running(int(gone.body)), is_running(int(new.body))) == (False, True)


# --- init ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("app.nil", "Runtime.HandlerNotFound", "Handler 'nil' missing on module 'app'"),
        ("nil.handler", "Runtime.ImportModuleError", "Unable to import module 'nil': No module named 'nil'"),
        ("app", "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
    ],
    ids=["no-such-function", "no-such-module", "no-dot"],
)
def test_a_handler_that_cannot_be_loaded_is_every_invocation_s_answer(
    layer: Path, tmp_path: Path, handler: str, error_type: str, message: str
) -> None:
    with running(layer, HANDLERS, handler, tmp_path) as rie:
        for _ in range(2):  # the emulator starts a new process for each
            with rie.logged() as log:
                answer = rie.invoke({})

            assert (answer.status, answer.body) == (502, report(error_type, message, []))
            warning, *rest = log
            assert "\tLAMBDA_WARNING: Unhandled exception. " in warning
            assert rest == [record(error_type, message, [])]


def test_an_error_while_the_handler_s_module_is_imported_is_answered_with_its_trace(
    layer: Path, tmp_path: Path
) -> None:
    with running(layer, HANDLERS, "broken.handler", tmp_path) as rie, rie.logged() as log:
        answer = rie.invoke({})

    fields = json.loads(answer.body)
    stack_trace = fields.pop("stackTrace")
    assert answer.status == 502
    assert fields == {"errorMessage": "no configuration", "errorType": "RuntimeError", "requestId": ""}
    # As on AWS, Python's own frames of the import go before it.
    code = 'raise RuntimeError("no configuration")'
    assert stack_trace[-1] == f'  File "{HANDLERS / "broken.py"}", line 3, in <module>\n    {code}\n'
    assert log[1:] == [record("RuntimeError", "no configuration", stack_trace)]


# --- under sam local -------------------------------------------------------------------------------------------------


def test_under_sam_local_an_http_caller_gets_a_stream_as_a_proxy_dict(sam_local: Rie) -> None:
    answer = sam_local.invoke(function_url_event(case="text"))

    expected = (
        b'{"statusCode": 201, "headers": {"x-kind": "brief", "content-type": "text/plain; charset=utf-8"}, '
        b'"cookies": ["a=1; Path=/"], "body": "one, two", "isBase64Encoded": false}'
    )
    assert (answer.status, answer.body) == (200, expected)


@pytest.mark.parametrize("case", ["streamed", "async_streamed"])
def test_under_sam_local_a_stream_that_is_not_text_becomes_base64(sam_local: Rie, case: str) -> None:
    answer = sam_local.invoke(function_url_event(case=case))

    expected = (
        b'{"statusCode": 201, "headers": {"x-kind": "brief", "content-type": "text/plain; charset=utf-8"}, '
        b'"cookies": ["a=1; Path=/"], "body": "b25lLCAA/yB0d28sIHRocmVl", "isBase64Encoded": true}'
    )
    assert (answer.status, answer.body) == (200, expected)


@pytest.mark.parametrize("case", ["streamed", "async_streamed"])
def test_under_sam_local_a_direct_caller_gets_the_bytes(sam_local: Rie, case: str) -> None:
    answer = sam_local.invoke({"case": case})

    assert (answer.status, answer.body) == (200, b"one, \x00\xff two, three")


def test_under_sam_local_a_plain_value_is_json_for_everybody(sam_local: Rie) -> None:
    direct, url = sam_local.invoke({"case": "plain_http"}), sam_local.invoke(function_url_event(case="plain_http"))

    expected = b'{"statusCode": 201, "headers": {"x-kind": "brief"}, "cookies": ["a=1; Path=/"], "body": "short"}'
    assert [(direct.status, direct.body), (url.status, url.body)] == [(200, expected)] * 2


@pytest.mark.parametrize("case", ["fails_later", "async_fails_later"])
def test_under_sam_local_an_error_at_any_chunk_is_the_answer(sam_local: Rie, tmp_path: Path, case: str) -> None:
    note = tmp_path / "note"
    with sam_local.logged() as log, next_invocation_in_same_process(sam_local):
        answer = sam_local.invoke(function_url_event(case=case, note=str(note)))

    stack_trace = [frame(case, 'raise LookupError("no third chunk")')]
    expected = report("LookupError", "no third chunk", stack_trace, answer.request_id)
    assert (answer.status, answer.body) == (200, expected)
    assert log == [record("LookupError", "no third chunk", stack_trace)]
    assert note.read_text() == "closed\n"


# --- the sandbox -----------------------------------------------------------------------------------------------------


def package_in(layer: Path) -> dict[str, str]:
    folder = layer / "python" / "lambda_streamify"
    return {
        f"lambda_streamify/{module}".removesuffix("/__init__").replace("/", "."): f"{folder / module}.py"
        for module in MODULES
    }


def test_the_package_is_the_built_layer_s_and_not_the_source_tree_s(rie: Rie, layer: Path) -> None:
    answer = rie.invoke({"case": "package"})

    assert json.loads(answer.body) == package_in(layer)


def test_the_package_is_the_built_layer_s_even_where_the_function_brings_a_copy(layer: Path, tmp_path: Path) -> None:
    task_root = tmp_path / "task"
    shutil.copytree(SOURCE / "lambda_streamify", task_root / "lambda_streamify")
    shutil.copy(APP, task_root)

    with running(layer, task_root, "app.handler", tmp_path) as rie:
        answer = rie.invoke({"case": "package"})

    assert json.loads(answer.body) == package_in(layer)


def test_nothing_outlives_the_emulator(layer: Path, tmp_path: Path) -> None:
    with running(layer, HANDLERS, "app.handler", tmp_path) as rie:
        sandbox = int(rie.invoke({"case": "process"}).body)
        processes = rie.processes()
        assert len(processes) == 2
        assert sandbox in processes

    assert not any(map(is_running, processes))
