import socket
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import EmulatorError, TemplateError
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from tiny_template import RUNTIME, write_template


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "streamify-emulator"]


def test_it_serves_from_a_thread_until_it_is_stopped(tmp_path: Path) -> None:
    emulator = TemplateEmulator(write_template(tmp_path), {"Init": ""})

    emulator.start()

    assert list(emulator.urls) == ["first", "Second"]
    assert threads() == ["streamify-emulator"]
    _, port = emulator.lambda_api.removeprefix("http://").split(":")
    socket.create_connection(("127.0.0.1", int(port))).close()
    emulator.stop()
    assert threads() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)))


def test_a_template_that_cannot_be_served_raises_at_the_start(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(path.read_text().replace("{ContentUri: layer}", "{ContentUri: nowhere}"))

    with pytest.raises(EmulatorError, match="nowhere"):
        TemplateEmulator(path, {}).start()
    assert threads() == []


def test_a_template_without_functions_is_an_error(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    path.write_text(path.read_text().replace(f"Runtime: {RUNTIME}", "Runtime: python2.7"))
    emulator = TemplateEmulator(path, {})

    with pytest.raises(TemplateError, match="the template has no function that can be served"):
        emulator.start()
    assert threads() == []
    assert emulator.messages[0].startswith("first is not served: there is no Python runtime 'python2.7'")


def test_an_interrupted_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupt)

    with pytest.raises(KeyboardInterrupt):
        TemplateEmulator(write_template(tmp_path), {}).start()
    assert threads() == []
