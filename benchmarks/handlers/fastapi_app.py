"""A FastAPI app that streams what the query asks for."""

import sized_bodies
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.post("/chunks")
async def chunks(count: int, size: int) -> StreamingResponse:
    """Stream `count` chunks of `size` bytes."""
    return StreamingResponse(sized_bodies.same_async(count, size), media_type="text/plain")
