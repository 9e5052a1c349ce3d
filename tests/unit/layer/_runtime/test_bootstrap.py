import gc
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lambda_streamify
from invoking import FUNCTION_URL, HTTP_API
from lambda_streamify._runtime import bootstrap
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify.errors import HandlerError
from processes import clean_environment, run
from scripted_api import ACCEPTED, Peer, Script, ScriptedApi, answers, invocation, reply
from sent import parse

LAYER = Path(lambda_streamify.__file__).parents[1]

# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "mode"),
    [
        ({}, "auto"),
        ({"STREAMIFY_INVOKE_MODE": ""}, "auto"),
        ({"STREAMIFY_INVOKE_MODE": "auto"}, "auto"),
        ({"STREAMIFY_INVOKE_MODE": "BUFFERED"}, "buffered"),
        ({"STREAMIFY_INVOKE_MODE": "Response_Stream"}, "response_stream"),
        ({"AWS_SAM_LOCAL": "true"}, "buffered"),
        ({"AWS_SAM_LOCAL": "true", "STREAMIFY_INVOKE_MODE": "response_stream"}, "buffered"),
        ({"AWS_SAM_LOCAL": "false"}, "auto"),
    ],
)
def test_the_mode_is_a_setting_and_sam_local_is_always_buffered(environ: dict[str, str], mode: str) -> None:
    assert bootstrap.invoke_mode(environ) == mode


def test_the_error_for_an_invalid_mode_lists_the_valid_ones() -> None:
    with pytest.raises(HandlerError) as raised:
        bootstrap.invoke_mode({"STREAMIFY_INVOKE_MODE": "streaming"})

    assert str(raised.value) == (
        "STREAMIFY_INVOKE_MODE is 'streaming'; it must be one of auto, response_stream, buffered"
    )


# --- whether the handler needs asyncio -------------------------------------------------------------------------------


def plain() -> None: ...


async def coroutine() -> None: ...


async def async_generator() -> AsyncIterator[str]:
    yield ""


def nesting() -> Callable[..., Any]:
    def middle() -> Callable[..., Any]:
        async def inner() -> None: ...

        return inner

    return middle


class Proxy:
    """Like Flask's `request`, outside of a request: every access to an attribute raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("Working outside of request context.")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Creates the module of a handler."""
    made = ModuleType("handlers_module")
    monkeypatch.setitem(sys.modules, "handlers_module", made)
    return made


def handler_of(module_name: str | None) -> Callable[[Any, Any], Any]:
    def handler(_event: Any, _context: Any) -> None: ...

    handler.__module__ = module_name  # type: ignore[assignment]
    return handler


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], False),
        ([plain, 5, "text", None, Proxy()], False),
        ([plain, coroutine], True),
        ([async_generator], True),
        ([nesting], True),
        ([Proxy(), coroutine], True),
    ],
)
def test_an_async_function_anywhere_in_the_handlers_module_is_found(
    values: list[Any], module: ModuleType, *, found: bool
) -> None:
    vars(module).update({f"value_{number}": value for number, value in enumerate(values)})

    assert bootstrap.defines_async_function(handler_of("handlers_module")) is found


@pytest.mark.parametrize("name", [None, "", "a module that was never imported"])
def test_a_handler_may_have_no_module(name: str | None) -> None:
    assert not bootstrap.defines_async_function(handler_of(name))
    assert not bootstrap.defines_async_function(json.JSONEncoder())  # type: ignore[arg-type]


# --- from the environment to the loop, in this process ---------------------------------------------------------------


Start = Callable[[str, str, str], Any]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Run `main` with this source as the handler's module, and restore what it changes in the process."""
    root, modules = logging.getLogger(), set(sys.modules)
    handlers = root.handlers[:]
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    monkeypatch.syspath_prepend(tmp_path)

    def main(source: str, setting: str, address: str) -> Any:
        (tmp_path / "bootstrap_app.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("_HANDLER", setting)
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", address)
        monkeypatch.setattr(sys, "stdout", sys.stdout)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # an exit does not close sockets
            with pytest.raises(SystemExit) as raised:
                bootstrap.main()
            code = raised.value.code
            del raised
            gc.collect()
        return code

    yield main
    root.handlers[:] = handlers
    for name in set(sys.modules) - modules:
        del sys.modules[name]


HELLO = "def handler(event, context):\n    print('hello')\n    return event\n"
LAST = reply(500, b"the end")  # ends the loop


def started(start: Start, source: str, *scripts: Script, setting: str = "bootstrap_app.handler") -> Any:
    with ScriptedApi(*scripts) as api:
        code = start(source, setting, api.address)
    return code, api.requests


def test_a_handler_is_loaded_and_run_until_the_runtime_api_ends_it(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    code, requests = started(start, HELLO, answers(invocation({"a": 1}), ACCEPTED), answers(LAST))

    assert (code, parse(requests[1]).json) == (1, {"a": 1})
    version = ".".join(map(str, sys.version_info[:3]))
    assert (
        parse(requests[0]).headers["user-agent"] == f"lambda-streamify/{lambda_streamify.__version__} python/{version}"
    )
    first, second = capsys.readouterr().out.splitlines()
    assert first == "hello"
    assert second.startswith("[ERROR]\t")
    assert second.endswith("\trequest-1\tthe runtime stops: the Runtime API answered 500 to next: the end")


@pytest.mark.parametrize(
    ("source", "setting", "kind", "message", "frames"),
    [
        (
            HELLO,
            "nope.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'nope': No module named 'nope'",
            0,
        ),
        (HELLO, "bootstrap_app.nope", "Runtime.HandlerNotFound", "Handler 'nope' missing on module 'bootstrap_app'", 0),
        ("raise ValueError('why')", "bootstrap_app.handler", "ValueError", "why", 1),
        ("class Ошибка(Exception): pass\nraise Ошибка('why')", "bootstrap_app.handler", "Ошибка", "why", 1),
    ],
)
def test_a_handler_that_does_not_load_is_logged_and_reported(  # noqa: PLR0917 - one table
    source: str, setting: str, kind: str, message: str, frames: int, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    code, [request] = started(start, source, answers(ACCEPTED), setting=setting)

    sent = parse(request)
    assert (code, sent.path) == (1, "/2018-06-01/runtime/init/error")
    assert (sent.json["errorType"], sent.json["errorMessage"], sent.json["requestId"]) == (kind, message, "")
    assert ("bootstrap_app.py" in "".join(sent.json["stackTrace"])) == bool(frames)
    assert sent.headers["lambda-runtime-function-error-type"] == "".join(c if c.isascii() else "_" for c in kind)
    warning, report = capsys.readouterr().out.split("\n", 1)
    assert "\tLAMBDA_WARNING: Unhandled exception." in warning
    assert report.startswith(f"[ERROR] {kind}: {message}\r")


def test_an_invalid_setting_is_logged_and_reported(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_INVOKE_MODE", "nope")

    code, [request] = started(start, HELLO, answers(ACCEPTED))

    assert (code, parse(request).json["errorType"]) == (1, "HandlerError")


def test_an_init_error_that_is_refused_ends_the_process_too(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = started(start, "raise ValueError('why')", answers(reply(403, b"no")))

    assert code == 1
    assert capsys.readouterr().out.endswith("\tthe runtime stops: the Runtime API answered 403 to init/error: no\n")


def test_a_module_that_exits_is_not_reported(start: Start) -> None:
    nobody = "127.0.0.1:0"

    assert start("raise SystemExit(5)", "bootstrap_app.handler", nobody) == 5


def test_a_handler_that_is_asynchronous_is_served_too(start: Start) -> None:
    source = "async def handler(event, context):\n    yield 'chunk'\n"

    _, requests = started(start, source, answers(invocation(FUNCTION_URL), ACCEPTED), answers(LAST))

    assert parse(requests[1]).content == b"chunk"


# --- monitoring tools -------------------------------------------------------------------------------------------------

# Like monitoring tools: wrap the function that runs an invocation, to wrap its handler, and the client's methods.
WATCHED = """
from lambda_streamify import open_stream, streaming
from lambda_streamify._runtime import bootstrap

run = bootstrap.handle_event_request
client = bootstrap.LambdaRuntimeClient

def watched(handler):
    def call(event, context):
        print("called")
        try:
            return handler(event, context)
        finally:
            print("over")
    return call

def told(name, post):
    def tell(*arguments, **keywords):
        print(name)
        return post(*arguments, **keywords)
    return tell

bootstrap.handle_event_request = lambda client, handler, *rest: run(client, watched(handler), *rest)
client.post_invocation_result = told("result", client.post_invocation_result)
client.post_invocation_error = told("error", client.post_invocation_error)

def chunks(event):
    yield "one"
    if event.get("fail"):
        raise ValueError("midway")
    yield "two"
    print("last chunk")

def returned(event, context):
    return chunks(event)

@streaming
def decorated(event, context):
    return chunks(event)

def written(event, context):
    with open_stream() as out:
        for chunk in chunks(event):
            out.write(chunk)

def value(event, context):
    if event.get("fail"):
        raise ValueError("midway")
    print("last chunk")
    return "onetwo"
"""


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restores what the function has replaced."""
    monkeypatch.setattr(bootstrap, "handle_event_request", bootstrap.handle_event_request)
    for name in ("post_invocation_result", "post_invocation_error"):
        monkeypatch.setattr(RuntimeApi, name, getattr(RuntimeApi, name))


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("event", [FUNCTION_URL, HTTP_API, {}], ids=["function URL", "HTTP API", "direct"])
@pytest.mark.parametrize("name", ["returned", "decorated", "written", "value"])
def test_a_wrapper_of_the_handler_sees_the_whole_stream_and_then_one_answer(
    name: str, event: dict[str, Any], start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = answers(invocation(event), ACCEPTED), answers(LAST)
    _, requests = started(start, WATCHED, *scripts, setting=f"bootstrap_app.{name}")

    assert b"onetwo" in parse(requests[1]).body
    assert len(requests) == 3
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert [line for line in lines if "get no stream" not in line] == ["called", "last chunk", "over", "result"]


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("event", [FUNCTION_URL, HTTP_API, {}], ids=["function URL", "HTTP API", "direct"])
@pytest.mark.parametrize("name", ["returned", "decorated", "written", "value"])
def test_a_wrapper_of_the_handler_sees_the_error_of_a_stream_and_then_one_answer(
    name: str, event: dict[str, Any], start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = answers(invocation({**event, "fail": True}), ACCEPTED), answers(LAST)
    _, requests = started(start, WATCHED, *scripts, setting=f"bootstrap_app.{name}")

    assert len(requests) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in ("called", "over", "result", "error")] == ["called", "over", "error"]
    assert sum("ValueError: midway" in line for line in lines) == 1


# --- in a process of its own -----------------------------------------------------------------------------------------

START = f"""
import sys
sys.path[:0] = [{str(LAYER)!r}, '.']
from lambda_streamify._runtime import bootstrap
bootstrap.main()
"""


def process(folder: Path, source: str, *scripts: Script, status: int = 1, before: str = "") -> tuple[str, list[bytes]]:
    """Run the function in a new process. Returns what it printed and what it sent."""
    (folder / "app.py").write_text(source)
    with ScriptedApi(*scripts) as api:
        environment = clean_environment(_HANDLER="app.handler", AWS_LAMBDA_RUNTIME_API=api.address)
        output = run(sys.executable, "-ISc", before + START, cwd=folder, env=environment, status=status)
    return output, api.requests


LOADED = """
import sys

NAMES = ("asyncio", "logging", "socket", "traceback", "typing", "threading")

{extra}

def handler(event, context):
    return [name for name in NAMES if name in sys.modules]
"""


@pytest.mark.parametrize(
    ("extra", "loaded"),
    [("", []), ("async def other(): pass", ["asyncio"]), ("def other():\n    async def inner(): pass", ["asyncio"])],
)
def test_a_cold_start_imports_only_what_the_function_needs(extra: str, loaded: list[str], tmp_path: Path) -> None:
    _, requests = process(tmp_path, LOADED.format(extra=extra), answers(invocation(), ACCEPTED), answers(LAST))

    found = parse(requests[1]).json
    assert [name for name in found if name == "asyncio"] == loaded
    assert loaded or found == []


EXIT = """
import sys

def handler(event, context):
    yield "one"
    sys.exit(7)
"""


def test_an_exit_in_mid_stream_is_the_exit_of_the_process(tmp_path: Path) -> None:
    _, requests = process(tmp_path, EXIT, answers(invocation(FUNCTION_URL), ACCEPTED), status=7)

    sent = parse(requests[1])
    assert (sent.content, sent.trailed_error["errorType"]) == (b"one", "SystemExit")


WARNED_EXIT = """
import sys, warnings

async def other(): pass

def handler(event, context):
    with warnings.catch_warnings():  # after it has been used, Python shows more warnings at exit
        warnings.simplefilter("always")
    sys.exit()
"""


def test_python_logs_no_warnings_at_exit(tmp_path: Path) -> None:
    output, _ = process(tmp_path, WARNED_EXIT, answers(invocation()), status=0)

    assert output == ""


KILL = """
import os, signal, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))

def handler(event, context):
    return os.getpid()
"""


def test_a_signal_handler_of_the_function_runs_while_it_waits_for_an_event(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.answer(invocation())
        pid = parse(peer.answer(ACCEPTED)).json
        peer.read_request()
        os.kill(pid, signal.SIGTERM)
        assert peer.is_closed_by_the_other_side()

    process(tmp_path, KILL, script, status=9)


FRAMED = """
import logging

def handler(event, context):
    logging.warning("text")
    context.log("no line break")
    raise ValueError("why")
"""
OPEN = "import os; log = os.open('log', os.O_CREAT | os.O_WRONLY); os.environ['_LAMBDA_TELEMETRY_LOG_FD'] = str(log); "


def test_the_log_goes_to_the_telemetry_descriptor(tmp_path: Path) -> None:
    output, _ = process(tmp_path, FRAMED, answers(invocation(), ACCEPTED), answers(LAST), before=OPEN)

    log = (tmp_path / "log").read_bytes()
    messages = [part[13:].decode() for part in log.split(b"\xa5\x5a\x00")[1:]]  # after the type, length and time
    assert messages[0].endswith("\trequest-1\ttext\n")
    assert messages[1] == "no line break"
    assert messages[2].startswith("[ERROR] ValueError: why\nTraceback (most recent call last):\n")
    assert messages[3].endswith("\tthe runtime stops: the Runtime API answered 500 to next: the end\n")
    assert output == ""


LIFE = """
import asyncio, os, signal
from lambda_streamify._core import current

loops = []

async def begin():
    loops.append(asyncio.get_running_loop())
    print("begin")

async def end():
    print("end", asyncio.get_running_loop() is loops[0])

current.startup.append(begin)
current.shutdown.append(end)
{extra}

async def handler(event, context):
    yield f"{{os.getpid()}} {{asyncio.get_running_loop() is loops[0]}}"
"""


def ended_by_sigterm(peer: Peer) -> None:
    peer.answer(invocation())
    pid, same_loop = parse(peer.answer(ACCEPTED)).body.decode().split()
    assert same_loop == "True"
    peer.read_request()
    os.kill(int(pid), signal.SIGTERM)
    assert peer.is_closed_by_the_other_side()


def test_shutdown_functions_run_on_the_event_loop_at_sigterm(tmp_path: Path) -> None:
    output, _ = process(tmp_path, LIFE.format(extra=""), ended_by_sigterm, status=0)

    assert output.splitlines() == ["begin", "end True"]


def test_a_shutdown_function_that_fails_is_logged_and_the_others_run(tmp_path: Path) -> None:
    extra = "async def broken(): raise ValueError('why')\ncurrent.shutdown.insert(0, broken)"

    output, _ = process(tmp_path, LIFE.format(extra=extra), ended_by_sigterm, status=0)

    assert "[ERROR] ValueError: why" in output
    assert output.splitlines()[-1] == "end True"


LEFT = """
async def left():
    try:
        await asyncio.Event().wait()
    finally:
        print("left is cancelled")

async def leave():
    loops.append(asyncio.ensure_future(left()))
    await asyncio.sleep(0)

current.startup.append(leave)
"""


def test_tasks_that_a_function_has_left_are_cancelled_at_the_end(tmp_path: Path) -> None:
    output, _ = process(tmp_path, LIFE.format(extra=LEFT), ended_by_sigterm, status=0)

    assert output.splitlines() == ["begin", "end True", "left is cancelled"]


def test_a_function_that_handles_sigterm_keeps_its_handler(tmp_path: Path) -> None:
    own = "signal.signal(signal.SIGTERM, lambda *_: os._exit(9))"

    output, _ = process(tmp_path, LIFE.format(extra=own), ended_by_sigterm, status=9)

    assert output.splitlines() == ["begin"]


def test_without_shutdown_functions_sigterm_is_unchanged(tmp_path: Path) -> None:
    source = "import os\nasync def handler(event, context):\n    yield f'{os.getpid()} True'\n"

    process(tmp_path, source, ended_by_sigterm, status=-signal.SIGTERM)


def test_a_startup_function_that_fails_is_an_init_error(tmp_path: Path) -> None:
    extra = "async def broken(): raise ValueError('no database')\ncurrent.startup.append(broken)"

    output, requests = process(tmp_path, LIFE.format(extra=extra), answers(ACCEPTED))

    assert requests[0].startswith(b"POST /2018-06-01/runtime/init/error")
    assert parse(requests[0]).json["errorMessage"] == "no database"
    assert "[ERROR] ValueError: no database" in output
