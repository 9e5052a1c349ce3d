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
    "agentcore",
    "asgi",
    "errors",
    "ndjson",
    "observe",
    "powertools",
    "reading",
    "resume",
    "sse",
    "testing",
    "wsgi",
    "_bodies/__init__",
    "_bodies/bodies",
    "_bodies/coalesce",
    "_bodies/deadline",
    "_bodies/interruption",
    "_bodies/items",
    "_bodies/keepalive",
    "_bodies/records",
    "_bodies/rhythm",
    "_bodies/timer_thread",
    "_concurrency/__init__",
    "_concurrency/async_api",
    "_concurrency/async_delivery",
    "_concurrency/async_handler",
    "_concurrency/async_invocation",
    "_concurrency/loop_watch",
    "_concurrency/processes",
    "_concurrency/retrying_api",
    "_concurrency/settings",
    "_concurrency/tasks",
    "_concurrency/time_limit",
    "_concurrency/worker",
    "_core/__init__",
    "_core/current",
    "_core/error_report",
    "_core/fast_json",
    "_core/files",
    "_core/iteration",
    "_response/__init__",
    "_response/collecting",
    "_response/header_fields",
    "_response/inline",
    "_response/proxy_response",
    "_response/refusal",
    "_response/response",
    "_response/sources",
    "_response/write_lock",
    "_response/writer",
    "_observe/__init__",
    "_observe/generation",
    "_observe/stream_record",
    "_resume/__init__",
    "_resume/async_body",
    "_resume/dynamodb_store",
    "_resume/event_blocks",
    "_resume/following",
    "_resume/memory_store",
    "_resume/plan",
    "_resume/recorder",
    "_resume/resumable",
    "_resume/run",
    "_resume/sqlite_store",
    "_resume/store",
    "_resume/sync_body",
    "_runtime/__init__",
    "_runtime/bootstrap",
    "_runtime/context",
    "_runtime/delivery",
    "_runtime/event_loop",
    "_runtime/forks",
    "_runtime/import_ahead",
    "_runtime/invocation",
    "_runtime/invocation_task",
    "_runtime/loader",
    "_runtime/logging_handler",
    "_runtime/logs",
    "_runtime/native_streaming",
    "_runtime/runtime",
    "_runtime/runtime_api",
    "_runtime/sending",
    "_runtime/snapstart",
    "_web/__init__",
    "_web/function_url_event",
    "_web/http_event",
    "_web/lifespan",
    "_web/request",
    "_wire/__init__",
    "_wire/framing",
    "_wire/marshal",
    "_wire/outgoing",
    "_wire/response_stream",
    "client/__init__",
    "client/_async_connection",
    "client/_async_received_stream",
    "client/_async_response",
    "client/_checks",
    "client/_connection",
    "client/_event_reading",
    "client/_failures",
    "client/_http1",
    "client/_httpx",
    "client/_in_band",
    "client/_invoke_complete",
    "client/_lines",
    "client/_ndjson",
    "client/_opening",
    "client/_prelude",
    "client/_received_stream",
    "client/_request",
    "client/_response",
    "client/_row_reading",
    "client/_signing",
    "client/_sse",
)

# Which bytecode ships depends on the Pythons of the build machine; the tests' own is certain to be here.
PYTHONS = {"LAYER_PYTHONS": sys.executable}

SOURCE_MODES = {
    "streamify": 0o755,
    "streamify-main.py": 0o644,
    "python/lambda_streamify/py.typed": 0o644,
    **{f"python/lambda_streamify/{module}.py": 0o644 for module in MODULES},
}


def bytecode_of(module: str) -> str:
    """Return the path below the package of the bytecode of `module`, which is such as `_core/current`."""
    folder, slash, name = module.rpartition("/")
    return f"{folder}{slash}__pycache__/{name}.{sys.implementation.cache_tag}.pyc"


LAYER_MODES = SOURCE_MODES | {f"python/lambda_streamify/{bytecode_of(module)}": 0o644 for module in MODULES}


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
