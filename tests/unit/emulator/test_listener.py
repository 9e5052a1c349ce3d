import asyncio
import logging
import socket
from errno import EMFILE, ENFILE, ENOENT

import pytest

from file_limit import no_free_file
from lambda_streamify_emulator.listener import ACCEPT_BATCH_LIMIT, LOG, RETRY_DELAY_S, Listener, OncePerSecond, shortage
from simulated_time import run_simulated


@pytest.fixture(autouse=True)
def _other_tests_have_said_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOG, "filters", [OncePerSecond()])


class Greeter(asyncio.Protocol):
    """Sends a greeting, and closes the connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


async def greeted(client: socket.socket) -> bytes:
    client.settimeout(0)
    data = b""
    while received := await asyncio.get_running_loop().sock_recv(client, 100):
        data += received
    return data


def test_all_simultaneous_clients_are_served() -> None:
    async def main() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listener = Listener(listening, Greeter)
        clients = [socket.create_connection(listening.getsockname()) for _ in range(ACCEPT_BATCH_LIMIT + 1)]
        for client in clients:
            with client:
                assert await greeted(client) == b"hello"
        listener.close()
        listener.close()

    run_simulated(main())


def test_at_the_limit_of_open_files_clients_wait_and_one_line_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.0.0.1", 0))
        listener = Listener(listening, Greeter)
        client = socket.create_connection(listening.getsockname())
        with client, no_free_file():
            while not caplog.messages:  # noqa: ASYNC110 - no event for this
                await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0)
            tried = loop.time()
        with client:
            pass
        with socket.create_connection(listening.getsockname()) as other:
            assert await greeted(other) == b"hello"
        assert loop.time() == tried + RETRY_DELAY_S
        listener.close()

    run_simulated(main())
    assert caplog.messages == [
        "cannot accept connections for now: Too many open files: raise the limit with `ulimit -n` in the shell"
    ]


def test_a_listener_that_is_closed_does_not_try_again(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listener = Listener(listening, Greeter)
        with socket.create_connection(listening.getsockname()):
            with no_free_file():
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                listener.close()
            await listener.wait_closed()
            await asyncio.sleep(2 * RETRY_DELAY_S)

    run_simulated(main())
    assert len(caplog.messages) <= 1


def test_the_log_has_one_record_a_second() -> None:
    once = OncePerSecond()
    passed = []
    for created in (100.0, 100.5, 100.999, 101.0, 101.5, 90.0, 90.5):  # clocks are set back
        record = logging.LogRecord("name", logging.WARNING, "path", 1, "message", None, None)
        record.created = created
        if once.filter(record):
            passed.append(created)

    assert passed == [100.0, 101.0, 90.0]


def test_only_exhausted_resources_count_as_a_shortage() -> None:
    assert shortage(OSError(EMFILE, "")) == "Too many open files: raise the limit with `ulimit -n` in the shell"
    assert shortage(OSError(ENFILE, "")) == "Too many open files in system"
    assert shortage(OSError(ENOENT, "")) is None
