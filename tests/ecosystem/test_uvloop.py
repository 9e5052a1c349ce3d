"""Functions whose event loop is uvloop's: by the layer's setting, or by a policy that their module sets."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from invoking import FUNCTION_URL
from layer_build import build_layer
from layer_process import layer_process
from queued_api import Event, Next, Post, QueuedApi

if TYPE_CHECKING:
    from subprocess import Popen

APP = """
import asyncio
import signal

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from lambda_streamify import asgi, open_stream


def loops():
    return type(asyncio.get_running_loop()).__module__


async def large(event, context):
    yield loops() + "\\n"
    for number in range(8):
        yield bytes([65 + number]) * 3_000_000  # more than a socket takes at once


async def written(event, context):
    out = open_stream(content_type="text/plain")
    await asyncio.gather(*(out.awrite(letter * 3_000_000) for letter in "ABCD"))
    await out.awrite(loops())


class Late(Exception):
    pass


def too_late(number, frame):
    raise Late("took too long")


async def interrupted(event, context):
    yield loops() + "\\n"
    if event["rawPath"] == "/slow":
        signal.signal(signal.SIGALRM, too_late)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        await asyncio.Event().wait()


async def lifespan(app):
    print("started on " + loops())
    yield
    print("stopped on " + loops())


async def page(request):
    async def body():
        yield loops() + "\\n"
        await asyncio.sleep(0)
        yield "the end"

    return StreamingResponse(body())


def threaded_page(request):
    return StreamingResponse(iter(["one ", "two"]))


from contextlib import asynccontextmanager

app = Starlette(
    routes=[Route("/", page, methods=["GET", "POST"]), Route("/threads", threaded_page)],
    lifespan=asynccontextmanager(lifespan),
)
served = asgi.handler(app, lifespan="on")
"""
POLICY = "import asyncio, uvloop\nasyncio.set_event_loop_policy(uvloop.EventLoopPolicy())\n"
UVLOOP = {"STREAMIFY_EVENT_LOOP": "uvloop"}


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


class Function:
    """A running function of APP."""

    def __init__(self, api: QueuedApi, process: "Popen[bytes]") -> None:
        self._api = api
        self._process = process

    def invoke(self, path: str = "/") -> Post:
        """Hand out a request, and return the answer once the function waits for the next one."""
        self._api.hand_out(Event(json.dumps({**FUNCTION_URL, "rawPath": path}).encode(), HEADERS))
        answer = self._api.wait()
        assert isinstance(answer, Post)
        assert isinstance(self._api.wait(), Next)
        return answer

    def end(self) -> str:
        """End the process as Lambda does, and return what it has printed."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        return self._process.stdout.read().decode()


HEADERS = {"Lambda-Runtime-Aws-Request-Id": "1", "Content-Type": "application/json"}


@contextmanager
def running(
    layer: Path, folder: Path, handler: str, variables: dict[str, str] = UVLOOP, before: str = ""
) -> Iterator[Function]:
    (folder / "app.py").write_text(before + APP)
    with QueuedApi() as api, layer_process(layer, api.address, folder, f"app.{handler}", **variables) as process:
        assert isinstance(api.wait(), Next)
        yield Function(api, process)
        process.terminate()


def body_of(answer: Post) -> bytes:
    return answer.body.partition(bytes(8))[2]


@pytest.mark.parametrize(
    ("variables", "before", "module"),
    [(UVLOOP, "", b"uvloop"), ({}, POLICY, b"uvloop"), ({}, "", b"asyncio.unix_events")],
    ids=["setting", "policy", "neither"],
)
def test_the_loop_is_uvloops_by_the_setting_or_by_the_functions_policy(
    variables: dict[str, str], before: str, module: bytes, layer: Path, tmp_path: Path
) -> None:
    with running(layer, tmp_path, "served", variables, before) as function:
        assert body_of(function.invoke()) == module + b"\nthe end"


def test_a_stream_that_a_socket_cannot_take_at_once_arrives_whole(layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, "large") as function:
        for _ in range(2):
            body = body_of(function.invoke())

            first, _, rest = body.partition(b"\n")
            assert first == b"uvloop"
            assert rest == b"".join(bytes([65 + number]) * 3_000_000 for number in range(8))


def test_the_chunks_of_several_tasks_never_mix(layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, "written") as function:
        body = body_of(function.invoke())

    chunks = [body[start : start + 3_000_000] for start in range(0, 12_000_000, 3_000_000)]
    assert sorted(chunks) == [letter * 3_000_000 for letter in (b"A", b"B", b"C", b"D")]
    assert body[12_000_000:] == b"uvloop"


def test_the_app_starts_before_the_first_request_and_stops_at_the_end(layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, "served") as function:
        assert body_of(function.invoke()) == b"uvloop\nthe end"
        assert body_of(function.invoke("/threads")) == b"one two"
        printed = function.end()

    assert printed.splitlines() == ["started on uvloop", "stopped on uvloop"]


def test_the_error_of_a_signal_handler_ends_the_stream_and_the_next_request_is_answered(
    layer: Path, tmp_path: Path
) -> None:
    with running(layer, tmp_path, "interrupted") as function:
        cut = function.invoke("/slow")
        whole = function.invoke("/fast")

    assert body_of(cut) == body_of(whole) == b"uvloop\n"
    assert cut.trailers["lambda-runtime-function-error-type"] == "Function.Late"
    assert whole.trailers == {}


def test_a_function_that_is_restored_from_a_snapshot_streams(layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, "served", UVLOOP | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}) as function:
        assert body_of(function.invoke()) == b"uvloop\nthe end"
        printed = function.end()

    assert printed.splitlines() == ["started on uvloop", "stopped on uvloop"]


def test_a_function_without_uvloop_does_not_start_and_says_what_is_missing(layer: Path, tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError('wrong architecture')")
    (tmp_path / "app.py").write_text("def handler(event, context): ...")
    with QueuedApi() as api, layer_process(layer, api.address, tmp_path, "app.handler", **UVLOOP):
        report = api.wait()

    assert isinstance(report, Post)
    assert report.path == "init/error"
    error = json.loads(report.body)
    assert error["errorType"] == "HandlerError"
    assert "add uvloop to the function's requirements" in error["errorMessage"]
    assert "wrong architecture" in error["errorMessage"]
