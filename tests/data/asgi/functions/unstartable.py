"""An app that finds no database when it starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from lambda_streamify import asgi


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    raise ConnectionError("no database")
    yield


lambda_handler = asgi.handler(Starlette(lifespan=lifespan))
