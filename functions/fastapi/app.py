"""A streaming FastAPI app in a function. Only the last line is specific to Lambda.

Routes that yield respond with server-sent events or JSON lines, as under any server. /docs has the app's own pages.
"""

from asyncio import sleep
from collections.abc import AsyncIterable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from lambda_streamify import asgi

PAUSE = 0.05  # seconds between two steps, so that people can read them


class Recipe(BaseModel):
    name: str
    steps: list[str]


@asynccontextmanager
async def lifespan(app):
    # Runs once per environment, before its first request: the place for slow loading and for connections.
    app.state.recipes = {
        "tea": Recipe(name="tea", steps=["Boil the water.", "Pour it over the leaves.", "Wait.", "Wait.", "Drink."]),
        "toast": Recipe(name="toast", steps=["Cut the bread.", "Toast it.", "Butter it while it is hot."]),
    }
    yield


app = FastAPI(title="Recipes", lifespan=lifespan)


def known(name: str, request: Request) -> Recipe:
    # In a dependency, because a route that yields has already sent its status when it starts to run.
    if name not in request.app.state.recipes:
        raise HTTPException(404, f"There is no recipe for {name}.")
    return request.app.state.recipes[name]


@app.get("/recipes")
async def recipes(request: Request) -> AsyncIterable[Recipe]:
    """All recipes as JSON lines."""
    for recipe in request.app.state.recipes.values():
        yield recipe


@app.get("/recipes/{name}/steps", response_class=EventSourceResponse)
async def steps(
    recipe: Annotated[Recipe, Depends(known)], last_event_id: Annotated[int, Header()] = 0
) -> AsyncIterable[ServerSentEvent]:
    """The steps as server-sent events. A browser that reconnects continues after the last step that it received."""
    for number, step in enumerate(recipe.steps, 1):
        if number > last_event_id:
            yield ServerSentEvent(id=str(number), event="step", data=step)
            await sleep(PAUSE)
    yield ServerSentEvent(event="done", data={"steps": len(recipe.steps)})


lambda_handler = asgi.handler(app)
