"""Writes a load test as a locustfile: for `streamify load` itself, and for people who run Locust elsewhere."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from ..errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Plan

PACKAGE = Path(__file__).parent.parent
LIBRARY = "lambda_streamify.zip"
_FIND_LIBRARY = (
    "import sys",
    "from pathlib import Path",
    "",
    f'sys.path.append(str(Path(__file__).with_name("{LIBRARY}")))',
    "",
)
# What StreamUser imports of this package. It needs nothing else but Locust.
PARTS = ("__init__.py", "account.py", "errors.py", "clients", "load", "recordings", "web")


def locustfile(plan: Plan, *, with_library: bool = False) -> str:
    """Return a locustfile whose users do what the plan says. Duration and number of users are options of Locust.

    `with_library`: what it imports is in LIBRARY, beside it.
    """
    attributes = [f"    host = {plan.url!r}"]
    if plan.rate is not None:
        attributes.append(f"    rate = {plan.rate!r} / {plan.users!r}  # streams per second of each user")
    if plan.slo is not None:
        attributes.append(f"    slo = {plan.slo!r}")
    arguments = {
        "method": plan.method,
        "headers": dict(plan.headers),
        "body": plan.body,
        "ends_with": plan.ends_with,
    }
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items() if value)
    return "\n".join(
        [
            f'"""Run it with: {command(plan)}"""',
            "",
            *(_FIND_LIBRARY if with_library else ()),
            "from locust import task",
            "",
            "from lambda_streamify_emulator.load import StreamUser",
            "",
            "",
            "class Reader(StreamUser):",
            *attributes,
            "",
            "    @task",
            "    def read(self) -> None:",
            f"        self.stream({given})",
            "",
        ]
    )


def command(plan: Plan) -> str:
    """Return the command that runs the locustfile as `streamify load` would."""
    return (
        f"locust -f locustfile.py --headless --users {plan.users} --spawn-rate {plan.spawn_rate or plan.users} "
        f"--run-time {math.ceil(plan.duration)}s --stop-timeout {plan.grace}"
    )


def export(plan: Plan, path: Path) -> Path:
    """Write the locustfile, and return its path. A path without a suffix gets `.py`.

    A zip also holds what the locustfile imports beside Locust, for services that run a zip on a machine where nothing
    can be installed, such as Distributed Load Testing on AWS. That one runs the first .py that it finds in the zip
    (aws-solutions/distributed-load-testing-on-aws, load-test.sh), so the locustfile is the only one, and the rest is a
    zip in the zip. Raises LoadError if the file cannot be written.
    """
    path = path if path.suffix else path.with_suffix(".py")
    if path.suffix not in (".py", ".zip"):
        raise LoadError(f"--export {path}: the name must end in .py, or in .zip")
    try:
        if path.suffix == ".py":
            path.write_text(locustfile(plan), encoding="utf-8")
        else:
            _write_zip(plan, path)
    except OSError as error:
        raise LoadError(f"--export {path}: it cannot be written: {error.strerror}") from error
    return path


def _write_zip(plan: Plan, path: Path) -> None:
    library = BytesIO()
    with ZipFile(library, "w", ZIP_DEFLATED) as archive:
        for module in _modules():
            archive.write(module, module.relative_to(PACKAGE.parent))
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("locustfile.py", locustfile(plan, with_library=True))
        archive.writestr(LIBRARY, library.getvalue())


def _modules() -> Iterator[Path]:
    for part in PARTS:
        path = PACKAGE / part
        yield from sorted(path.glob("*.py")) if path.is_dir() else [path]
