"""Which engine is found, by a `docker` that answers as the real one does."""

from pathlib import Path

import pytest

from lambda_streamify_emulator.containers.engine import Engine, client_environment, find_engine, reason
from lambda_streamify_emulator.errors import EngineError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write_docker(folder: Path, script: str) -> str:
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_emulator_listens_on_the_gateway_of_the_bridge(folder: Path) -> None:
    program = write_docker(folder, "echo fd00::1; echo 127.0.0.2")

    found = find_engine()

    assert found == Engine(program, "127.0.0.2", "127.0.0.2")
    assert found.is_here


def test_docker_desktop_leads_to_the_loopback_address(folder: Path) -> None:
    program = write_docker(folder, '[ "$1" = info ] && echo Docker Desktop || echo 192.0.2.1')

    found = find_engine()

    assert found == Engine(program, "127.0.0.1", "host.docker.internal")
    assert not found.is_here


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 192.0.2.1", "the gateway of Docker's network `bridge` (192.0.2.1) is no address of this machine: "),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "no Docker engine answers: Cannot connect to the"),
        ("exit 1", "no Docker engine answers: it prints no reason"),
    ],
)
def test_an_engine_that_cannot_be_used_is_an_error_with_the_reason(folder: Path, script: str, message: str) -> None:
    write_docker(folder, script)

    with pytest.raises(EngineError) as raised:
        find_engine()

    assert str(raised.value).startswith(message)


@pytest.mark.usefixtures("folder")
def test_without_the_command_there_is_no_engine() -> None:
    with pytest.raises(EngineError, match="there is no `docker` on the PATH: install Docker"):
        find_engine()


def test_docker_gets_nothing_of_the_developers_environment_but_its_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DOCKER_HOST", "unix:///socket")

    assert client_environment()["DOCKER_HOST"] == "unix:///socket"
    assert "AWS_SECRET_ACCESS_KEY" not in client_environment()


def test_the_reason_of_a_failure_is_the_last_line_that_is_no_hint() -> None:
    assert reason("docker: no such image\n\nRun 'docker run --help' for more information\n") == "docker: no such image"
