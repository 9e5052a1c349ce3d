"""The web frameworks' apps on the layer: the same that the adapter's web servers run. And what importing them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtimes import on_layer, python_floor

if TYPE_CHECKING:
    from pathlib import Path

    from clients import Client

STARLETTE = "Starlette on this layer"
STARLETTE_UVLOOP = "Starlette on this layer, uvloop"
FASTAPI = "FastAPI on this layer"
FLASK = "Flask on this layer"
STARLETTE_FLOOR = "Starlette's imports, a bare loop"
FASTAPI_FLOOR = "FastAPI's imports, a bare loop"
FLASK_FLOOR = "Flask's imports, a bare loop"
CLIENTS = (STARLETTE, STARLETTE_UVLOOP, FASTAPI, FLASK, STARLETTE_FLOOR, FASTAPI_FLOOR, FLASK_FLOOR)

TASKS = ("chunks", "sync chunks", "fresh chunks", "stamps", "failing chunks")


def clients(layer: Path, python: str, runtime: Path, packages: Path, standard: Path) -> list[Client]:
    """Through `asgi.handler` and `wsgi.handler`; and a loop without a runtime that only imports the app first.

    `standard` is the folder with uvloop.
    """
    modules = {STARLETTE: "starlette_handler", FASTAPI: "fastapi_handler", FLASK: "flask_handler"}
    floors = {STARLETTE_FLOOR: "starlette_app", FASTAPI_FLOOR: "fastapi_app", FLASK_FLOOR: "flask_app"}
    return [
        *(
            on_layer(name, dict.fromkeys(TASKS, f"{module}.handler"), layer, python, runtime, packages=[packages])
            for name, module in modules.items()
        ),
        on_layer(
            STARLETTE_UVLOOP,
            {"chunks": "starlette_uvloop_handler.handler"},
            layer,
            python,
            runtime,
            packages=[standard, packages],
            STREAMIFY_EVENT_LOOP="uvloop",
        ),
        *(python_floor(python, name, module, packages) for name, module in floors.items()),
    ]
