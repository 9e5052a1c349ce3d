"""Finds the Docker engine, and the address at which its containers reach the emulator.

That is the gateway of the engine's default network, an address of this machine that only containers and this machine
reach. Docker Desktop runs its engine in a virtual machine: there, the name host.docker.internal leads to this machine's
loopback address (Docker's manual, "Explore networking features on Docker Desktop").
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from shutil import which

from ..errors import EngineError

ANSWER_TIMEOUT_S = 30
LOOPBACK, DESKTOP_HOST = "127.0.0.1", "host.docker.internal"
# What `docker` reads; it gets nothing else of the developer's environment, which functions may read in /proc.
_VARIABLES = (
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "PATH",
    "XDG_RUNTIME_DIR",
)


@dataclass(frozen=True)
class Engine:
    """An engine that answers. `program` is the `docker` that controls it."""

    program: str
    host: str
    """The address of this machine on which the emulator listens for containers."""
    name: str
    """The name or address that containers use for it."""

    @property
    def is_here(self) -> bool:
        """Whether containers are processes of this machine, and not of a virtual machine."""
        return self.name == self.host


def find_engine() -> Engine:
    """Return the engine that `docker` talks to. Raises EngineError if there is none that can reach the emulator."""
    program = which("docker")
    if program is None:
        raise EngineError("there is no `docker` on the PATH: install Docker")
    template = "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"
    gateways = list(_addresses(_ask(program, "network", "inspect", "bridge", "--format", template)))
    for gateway in gateways:
        if _is_here(gateway):
            return Engine(program, gateway, gateway)
    if _ask(program, "info", "--format", "{{.OperatingSystem}}").strip() == "Docker Desktop":
        return Engine(program, LOOPBACK, DESKTOP_HOST)
    raise EngineError(
        f"the gateway of Docker's network `bridge` ({', '.join(gateways) or 'none'}) is no address of this machine: "
        "containers of a remote or rootless engine cannot reach the emulator"
    )


def client_environment() -> dict[str, str]:
    """Return the environment variables for `docker`."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def reason(output: str) -> str:
    """Return the line of the output of a failed `docker` that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Run 'docker")]
    return told[-1] if told else "it prints no reason"


def _ask(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments],
            env=client_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"`docker` does not run: {error}") from error
    if done.returncode:
        raise EngineError(f"no Docker engine answers: {reason(done.stderr)}")
    return done.stdout


def _addresses(text: str) -> Iterator[str]:
    """Yield the IPv4 addresses among the words: the Runtime API's address is written without brackets."""
    for word in text.split():
        with suppress(ValueError):
            yield str(IPv4Address(word))


def _is_here(address: str) -> bool:
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True
