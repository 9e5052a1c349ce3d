"""The layer as users get it, and the exact list of what it may hold: a new file has to be added here on purpose."""

import shutil
import sys
from pathlib import Path
from zipfile import ZipFile

from processes import ROOT, clean_environment, run

SOURCE = ROOT / "layers" / "streamify"

MODULES = (
    "__init__",
    "__main__",
    "alarm",
    "asgi",
    "bodies",
    "bootstrap",
    "buffering",
    "context",
    "current",
    "deadlines",
    "delivery",
    "encoded_items",
    "error_report",
    "errors",
    "files",
    "framing",
    "heartbeat",
    "http_event",
    "inline",
    "invocation",
    "invocation_task",
    "iteration",
    "lean_json",
    "lifespan",
    "loader",
    "logging_handler",
    "logs",
    "marshal",
    "ndjson",
    "observe",
    "outside",
    "proxy_response",
    "reading",
    "records",
    "response",
    "response_stream",
    "runtime",
    "runtime_api",
    "sending",
    "snapstart",
    "sources",
    "sse",
    "standard_library",
    "testing",
    "write_lock",
    "writer",
    "wsgi",
)

# Which bytecode ships depends on the Pythons of the build machine; the tests' own is certain to be here.
PYTHONS = {"LAYER_PYTHONS": sys.executable}

SOURCE_MODES = {
    "streamify": 0o755,
    "streamify-main.py": 0o644,
    "python/lambda_streamify/py.typed": 0o644,
    **{f"python/lambda_streamify/{module}.py": 0o644 for module in MODULES},
}

LAYER_MODES = SOURCE_MODES | {
    f"python/lambda_streamify/__pycache__/{module}.{sys.implementation.cache_tag}.pyc": 0o644 for module in MODULES
}


def build_layer(scratch: Path, umask: int = 0o022) -> Path:
    """Return the folder that stands for /opt, built as SAM does it: by the makefile, in a copy of the source folder."""
    source, artifacts = scratch / "source", scratch / "artifacts"
    shutil.copytree(SOURCE, source)
    return build_in(source, artifacts, umask)


def build_in(source: Path, artifacts: Path, umask: int = 0o022, **variables: str) -> Path:
    """Return `artifacts`, filled by the makefile in `source`."""
    env = clean_environment(**PYTHONS | variables)
    run("make", "-C", source, "build-StreamifyLayer", f"ARTIFACTS_DIR={artifacts}", env=env, umask=umask)
    return artifacts


def make_zip(dist: Path, umask: int = 0o022, **variables: str) -> Path:
    """Return the zip that `make layer` leaves in `dist`."""
    run("make", "layer", f"DIST={dist}", env=clean_environment(**PYTHONS | variables), umask=umask)
    (archive,) = dist.glob("*.zip")
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """Return `folder` with the files of the zip, their modes too, as Lambda unpacks layers and functions."""
    with ZipFile(archive) as packed:
        for entry in packed.infolist():
            Path(packed.extract(entry, folder)).chmod(entry.external_attr >> 16)
    return folder


def modes(folder: Path) -> dict[str, int]:
    """Return the permission bits of each file under the folder."""
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in files}
