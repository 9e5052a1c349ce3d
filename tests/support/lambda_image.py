"""AWS's base image for a Python runtime, and where no registry can be reached a look-alike of it.

The look-alike has what AWS's image has at the same places: this machine's shell and C library, one of its Pythons in
/var/lang, and in /var/runtime AWS's client and boto3 from the package index. AWS's own files are not in it, so it shows
that the layer and `sam local` fit together, and not what is particular to AWS's image.
"""

import json
import platform
import re
import subprocess
import tarfile
from contextlib import suppress
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import docker
import requests

from processes import ROOT, clean_environment
from rie import aws_emulator
from sandbox import STAND_IN

IMAGE = ROOT / "tests" / "sam" / "image"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]

# What `sam local` and Dockerfiles call, and people.
PROGRAMS = ("bash", "cat", "chmod", "cp", "env", "ls", "mkdir", "mv", "rm", "sh")
# What AWS has in /var/runtime beside its client. Plain Python, so that one copy does for every interpreter.
BOTO3 = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
# What no function needs, what needs libraries that only desktops have, and the services that no test calls.
LEFT_OUT = re.compile(
    r"/python3\.\d+/(site-packages|dist-packages|test|idlelib|tkinter|turtledemo|ensurepip|config-[^/]*)$"
    r"|/_tkinter[^/]*\.so$|\.opt-\d\.pyc$|\.a$"
    r"|/botocore/data/(?!bedrock-runtime$|dynamodb$|s3$|sts$)[a-z0-9-]+$"
)
USERS = "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"
LIBRARIES = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
SETTINGS = (
    "ENV LANG=en_US.UTF-8",
    "ENV TZ=:/etc/localtime",
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    f"ENV LD_LIBRARY_PATH={LIBRARIES}",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "WORKDIR /var/task",
    'ENTRYPOINT ["/lambda-entrypoint.sh"]',
)


def base_image(version: str) -> str:
    """Return the name by which `sam local` looks for the image."""
    return f"public.ecr.aws/lambda/python:{version}-{ARCHITECTURE}"


def have_image(engine: docker.DockerClient, version: str, python: str, client: list[Path]) -> None:
    """Make sure that the engine has the image: it has it, or gets it from AWS's registry, or a look-alike is made."""
    name = base_image(version)
    if engine.images.list(name):
        return
    with suppress(docker.errors.APIError, requests.RequestException):
        engine.images.pull(name)
        return
    with TemporaryFile() as file:
        _write_file_system(file, version, python, client)
        file.seek(0)
        _import(engine, file, name)


def _import(engine: docker.DockerClient, file: IO[bytes], name: str) -> None:
    repository, tag = name.split(":")
    blocks = iter(lambda: file.read(1 << 20), b"")  # the file itself would be sent unchunked under a chunked header
    answer = engine.api.import_image(blocks, repository=repository, tag=tag, changes=list(SETTINGS), stream_src=True)
    last: dict[str, Any] = json.loads(answer.splitlines()[-1])
    assert "error" not in last, last


def _write_file_system(file: IO[bytes], version: str, python: str, client: list[Path]) -> None:
    system = _FileSystem(file)
    prefix, stdlib, executable = _facts(python)
    for name in ("dev", "opt", "proc", "root", "sys", "tmp", "var/rapid", "var/task"):
        system.folder(name)
    for name in ("bin", "lib", "lib64", "sbin"):
        system.folder(f"usr/{name}")
        system.link(name, f"usr/{name}")
    system.write("etc/passwd", USERS)
    for program in PROGRAMS:
        path = next(filter(Path.exists, (Path(folder, program) for folder in ("/bin", "/usr/bin"))))
        system.add(path, f"usr/bin/{program}")

    system.add(executable, f"var/lang/bin/python{version}")
    for name in ("python", "python3"):
        system.link(f"var/lang/bin/{name}", f"python{version}")
    system.add(stdlib, f"var/lang/{stdlib.relative_to(prefix)}")
    system.write("var/lang/bin/pip", '#!/bin/sh\nexec python -m pip "$@"\n', 0o755)
    system.packages(f"var/lang/lib/python{version}/site-packages", "pip")

    for path in client:
        system.add(path, f"var/runtime/{path.name}")
    system.packages("var/runtime", *BOTO3)
    system.add(STAND_IN, "var/runtime/bootstrap.py")
    system.add(IMAGE / "bootstrap", "var/runtime/bootstrap")
    system.add(IMAGE / "lambda-entrypoint.sh", "lambda-entrypoint.sh")
    system.write("usr/local/bin/aws-lambda-rie", aws_emulator().read_bytes(), 0o755)
    system.add_libraries()


def _facts(python: str) -> tuple[Path, Path, Path]:
    """Return an interpreter's prefix, its standard library and its real executable, whatever environment it is in."""
    code = (
        "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('stdlib'), sys._base_executable, sep='\\n')"
    )
    printed = subprocess.run([python, "-c", code], env=clean_environment(), check=True, capture_output=True, text=True)
    prefix, stdlib, executable = map(Path, printed.stdout.splitlines())
    return prefix, stdlib, executable.resolve()


class _FileSystem:
    """A file system in the making, as an archive; links of this machine are followed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w", dereference=True)  # noqa: SIM115 - closed at the end
        self._binaries = list[Path]()

    def folder(self, name: str) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        self._archive.addfile(info)

    def link(self, name: str, target: str) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._archive.addfile(info)

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> None:
        data = content.encode() if isinstance(content, str) else content
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        self._archive.addfile(info, BytesIO(data))

    def add(self, path: Path, name: str) -> None:
        """Add a file, or a folder but for what is left out."""

        def kept(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
            if LEFT_OUT.search(info.name):
                return None
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            return info

        self._archive.add(path, name, filter=kept)
        self._binaries += [path] if path.is_file() else path.rglob("*.so")

    def packages(self, folder: str, *names: str) -> None:
        """Add installed distributions without their metadata."""
        for name in names:
            installed = distribution(name)
            for top in {file.parts[0] for file in installed.files or []}:
                path = Path(str(installed.locate_file(top)))
                if top != "__pycache__" and (top.isidentifier() or top.endswith(".py")):
                    self.add(path, f"{folder}/{top}")

    def add_libraries(self) -> None:
        """Add the shared libraries that what is in here needs, and close the archive."""
        printed = subprocess.run(["ldd", *self._binaries], capture_output=True, text=True, check=False).stdout
        by_place = dict(map(_place, re.findall(r"(/\S+\.so\S*) \(0x", printed)))
        for place, path in sorted(by_place.items()):
            self._archive.add(path, place)
        self._archive.close()


def _place(library: str) -> tuple[str, str]:
    """Return where a library goes, and where it is: a loader finds those of the system where they were."""
    folder, _, name = library.rpartition("/")
    folder = folder.removeprefix("/usr").lstrip("/")
    of_the_system = folder.partition("/")[0] in {"lib", "lib64"}
    return f"usr/{folder}/{name}" if of_the_system else f"var/lang/lib/{name}", library
