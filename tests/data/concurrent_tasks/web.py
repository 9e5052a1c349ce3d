"""An ASGI app for several requests at a time in one event loop."""

import os
from typing import Any

from lambda_streamify import asgi

lifespans = 0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of lifespans."""
    global lifespans
    if scope["type"] == "lifespan":
        await receive()
        lifespans += 1
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("the app stops")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": f"{lifespans} {os.getpid()}".encode()})


handler = asgi.handler(app)
