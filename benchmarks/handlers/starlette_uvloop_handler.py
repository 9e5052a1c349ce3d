"""The app of starlette_app.py on the layer, on uvloop's event loop."""

import asyncio

import uvloop
from starlette_app import app

from lambda_streamify import asgi

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
handler = asgi.handler(app)
