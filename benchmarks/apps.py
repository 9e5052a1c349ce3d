"""The web frameworks' apps on the layer: the same that the adapter's web servers run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtimes import on_layer

if TYPE_CHECKING:
    from pathlib import Path

    from clients import Client

STARLETTE = "Starlette on this layer"
FASTAPI = "FastAPI on this layer"
FLASK = "Flask on this layer"
CLIENTS = (STARLETTE, FASTAPI, FLASK)

TASKS = ("chunks", "sync chunks", "fresh chunks", "stamps", "failing chunks")


def clients(layer: Path, python: str, runtime: Path, packages: Path) -> list[Client]:
    """Through `asgi.handler` and `wsgi.handler`."""
    modules = {STARLETTE: "starlette_handler", FASTAPI: "fastapi_handler", FLASK: "flask_handler"}
    return [
        on_layer(name, dict.fromkeys(TASKS, f"{module}.handler"), layer, python, runtime, packages=packages)
        for name, module in modules.items()
    ]
