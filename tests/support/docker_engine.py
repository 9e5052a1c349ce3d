"""A Docker engine: the developer's if one answers, else one of the tests' own that leaves nothing behind.

The own one listens on a private socket, keeps its images in a temporary folder, and changes no firewall rule: without
iptables its containers have no way out of this machine, but ports that they publish can be reached from it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, socket

from docker import DockerClient

from waiting import wait_until

DEFAULT = "unix:///var/run/docker.sock"
NEEDED = ("dockerd", "ip", "setpriv", "unshare")


class EngineMissingError(Exception):
    """No engine answers, and none can be started; the message says why."""


@contextmanager
def docker_engine(scratch: Path) -> Iterator[str]:
    """Give the address of an engine, as in DOCKER_HOST. Raises EngineMissingError."""
    running = os.environ.get("DOCKER_HOST", DEFAULT)
    if _answers(running):
        yield running
        return
    if missing := _why_none_can_be_started():
        raise EngineMissingError(f"no Docker engine answers at {running}, and {missing}")
    with _bridge() as bridge, _own_engine(scratch, bridge) as own:
        yield own


def _why_none_can_be_started() -> str:
    if sys.platform != "linux":
        return "the tests start one of their own on Linux only"
    if os.geteuid() != 0:
        return "only root can start one"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    return f"none can be started without {', '.join(missing)}" if missing else ""


@contextmanager
def _bridge() -> Iterator[str]:
    """Give a network for containers. By itself, an engine would make `docker0`, share it with others, and leave it.

    The addresses are from those that RFC 2544 sets aside for tests, and of this process alone.
    """
    name, address = f"streamify{os.getpid() % 1_000_000}", f"198.18.{os.getpid() % 256}.1/24"
    # Its own Ethernet address: it would else take that of a container, and be lost to the others when that ends.
    _ip("link", "add", name, "address", "02:42:c6:12:00:01", "type", "bridge")
    try:
        _ip("address", "add", address, "dev", name)
        _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise EngineMissingError(f"no network can be made for one: ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def _own_engine(scratch: Path, bridge: str) -> Iterator[str]:
    address = f"unix://{scratch}/socket"
    command: list[str | Path] = [
        *("setpriv", "--pdeathsig", "TERM"),  # should the tests be killed, it stops by itself
        *("unshare", "--mount"),  # what it mounts, nobody else sees, and it ends with it
        *("dockerd", "--host", address, "--group", str(os.getgid()), "--bridge", bridge),
        *("--data-root", scratch / "data", "--exec-root", scratch / "exec", "--pidfile", scratch / "pid"),
        *("--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"),
    ]
    log = scratch / "log"
    with log.open("wb") as output:
        engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def is_up() -> bool:
        if engine.poll() is not None:
            raise EngineMissingError(f"dockerd cannot run here: {log.read_text()[-1000:]}")
        return _answers(address)

    try:
        wait_until(is_up, "dockerd answers")
        yield address
    finally:
        engine.terminate()
        engine.wait(60)


@contextmanager
def left_as_found(client: DockerClient) -> Iterator[None]:
    """Take what is built on an imported image away from an engine, which may be the developer's.

    `sam local` would go on running functions on it after AWS's own image has come.
    """
    before = _imported(client)
    try:
        yield
    finally:
        for tag in _imported(client) - before:
            client.images.remove(tag, force=True)


def _imported(client: DockerClient) -> set[str]:
    images = client.images.list()
    return {tag for image in images if "Imported" in image.history()[-1]["Comment"] for tag in image.tags}


def _answers(address: str) -> bool:
    """Ask an engine on this machine whether it is there; one elsewhere has been named by whoever set DOCKER_HOST."""
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        return True
    with suppress(OSError), closing(socket(AF_UNIX)) as asking:
        asking.settimeout(5)
        asking.connect(path)
        asking.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        return b" 200 " in asking.recv(4096)
    return False
