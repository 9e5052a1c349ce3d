"""Processes that the handler forks. Whatever they do, the response is that of the parent process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest

from invoking import FUNCTION_URL, Handler, Log, Loop, no_loop
from lambda_streamify import open_stream, streaming
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify.errors import StreamStateError
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation
from sent import parse

# From Python 3.12 on, fork warns if there are threads. Here that is the test's server, which the child does not use.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

Child = Callable[[], Any]


def raises() -> None:
    raise ValueError("of the child")


def goes_on() -> None:
    pass


def fork(child: Child) -> bool:
    """Run `child` in a forked process, which may leave this function. In the parent, wait for it and return True."""
    process = os.fork()
    if process == 0:
        child()
        return False
    _, status = os.waitpid(process, 0)
    statuses.append(os.waitstatus_to_exitcode(status))
    return True


statuses: list[int] = []  # the exit statuses of the forked processes


def generator(child: Child) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        yield "one "
        fork(child)
        yield "two"

    return handler


def asynchronous(child: Child) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        yield "one "
        await asyncio.sleep(0)
        fork(child)
        yield "two"

    return handler


def writer(child: Child) -> Handler:
    def handler(_event: Any, _context: Any) -> None:
        stream = open_stream()
        stream.write("one ")
        fork(child)
        stream.write("two")
        stream.close()

    return handler


def returned(child: Child) -> Handler:
    def handler(_event: Any, _context: Any) -> dict[str, Any]:
        fork(child)
        return {"statusCode": 200, "body": "one two"}

    return handler


def over_before(child: Child) -> Handler:
    def handler(_event: Any, _context: Any) -> None:
        with open_stream() as stream:
            stream.write("one two")
        fork(child)

    return handler


def run(handler: Handler, loop: Loop = no_loop, log: "Log | None" = None) -> tuple[list[bytes], Log]:
    """Run one invocation, and request another. Returns the requests in between."""
    log = log or Log()
    api = ScriptedApi(answers(invocation(FUNCTION_URL), ACCEPTED, invocation()))
    with api, closing(RuntimeApi(api.address, "test")) as client:
        logs = Logs(log, lambda: 1.0)
        Invocation(client, client.next(), logs, mode="auto", loop=loop, clock=lambda: 1.0).run(handler)
        client.next()
    return api.requests[1:-1], log


every_handler = pytest.mark.parametrize("make", [generator, asynchronous, writer, returned, over_before])


@every_handler
@pytest.mark.parametrize(
    ("child", "status"),
    [
        (sys.exit, 0),
        (lambda: sys.exit(3), 3),
        (lambda: sys.exit("why"), 1),
        (raises, 1),
        (goes_on, 1),
        (lambda: os._exit(5), 5),
    ],
    ids=["exit", "exit with a status", "exit with a message", "raise", "go on", "end at once"],
)
def test_the_response_is_complete_and_sent_once_however_a_forked_process_ends(
    make: Callable[[Child], Handler], child: Child, status: int, loop: Loop
) -> None:
    statuses.clear()

    [request], log = run(make(child), loop)

    assert parse(request).content == b"one two"
    assert parse(request).trailers == {}
    assert statuses == [status]
    assert (log.messages, log.errors) == ([], [])


@every_handler
def test_an_exception_of_a_forked_process_is_logged(
    make: Callable[[Child], Handler], loop: Loop, capfd: pytest.CaptureFixture[str]
) -> None:
    class Printing(Log):
        def log_error(self, lines: Iterable[str]) -> None:
            sys.stdout.write("\n".join(lines))

    run(make(raises), loop, Printing())

    assert "[ERROR] ValueError: of the child" in capfd.readouterr().out


@pytest.mark.parametrize("make", [generator, writer])
def test_decorators_and_hooks_run_once_in_the_process_that_they_belong_to(
    make: Callable[[Child], Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    monkeypatch.setattr("lambda_streamify._core.current.after_response", [lambda _: ends.append(os.getpid())])
    reader, writes = os.pipe()
    handler = streaming(make(raises))

    def wrapped(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        finally:
            os.write(writes, b"x")

    run(wrapped)
    os.close(writes)

    assert os.read(reader, 10) == b"xx"
    os.close(reader)
    assert ends == [os.getpid()]


def test_a_forked_process_gets_an_error_for_what_it_cannot_do() -> None:
    reader, writes = os.pipe()

    def handler(_event: Any, _context: Any) -> None:
        stream = open_stream()
        stream.write("one ")

        def child() -> None:
            with pytest.raises(StreamStateError) as raised:
                stream.write("of the child")
            os.write(writes, str(raised.value).encode())
            os._exit(0)

        fork(child)
        stream.write("two")

    run(handler)
    told = os.read(reader, 1000).decode()
    os.close(reader)
    os.close(writes)

    assert told.startswith("a process that the function has forked cannot write to the response")


def test_a_forked_process_asks_for_no_invocation() -> None:
    statuses.clear()
    with ScriptedApi(answers(invocation(), invocation())) as api, closing(RuntimeApi(api.address, "test")) as client:
        client.next()

        def child() -> None:
            with pytest.raises(StreamStateError, match="forked"):
                client.next()
            os._exit(0)

        fork(child)
        client.next()

    assert statuses == [0]
    assert len(api.requests) == 2
