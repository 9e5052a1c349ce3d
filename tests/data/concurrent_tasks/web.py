"""An ASGI app for several requests at a time in one event loop."""

import os
import sys
from typing import Any

from lambda_streamify import asgi

lifespans: list[str] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of lifespans."""
    if scope["type"] == "lifespan":
        await receive()
        lifespans.append("started")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        sys.stdout.write("the app stops\n")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": f"{len(lifespans)} {os.getpid()}".encode()})


handler = asgi.handler(app)
