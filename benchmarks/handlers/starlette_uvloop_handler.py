"""The app of starlette_app.py on the layer, which has to run on uvloop's event loop."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette_app import app

from lambda_streamify import asgi

Call = Callable[..., Awaitable[Any]]


async def on_uvloop(scope: MutableMapping[str, Any], receive: Call, send: Call) -> None:
    """Run the app; the error fails the measurement."""
    loop = type(asyncio.get_running_loop())
    if loop.__module__.partition(".")[0] != "uvloop":
        raise RuntimeError(f"the event loop is a {loop}, not uvloop's")
    await app(scope, receive, send)


handler = asgi.handler(on_uvloop)
