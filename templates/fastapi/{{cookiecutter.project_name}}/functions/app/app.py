from asyncio import sleep
from collections.abc import AsyncIterable

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from lambda_streamify import asgi

app = FastAPI(title="{{ cookiecutter.project_name }}")


@app.get("/")
async def index() -> dict[str, str]:
    return {"stream": "/chunks", "documents": "/docs"}


@app.get("/chunks", response_class=EventSourceResponse)
async def chunks() -> AsyncIterable[ServerSentEvent]:
    for number in range(5):
        yield ServerSentEvent(id=str(number), data=f"Chunk {number}")
        await sleep(0.2)


# Only this line is specific to Lambda.
lambda_handler = asgi.handler(app)
