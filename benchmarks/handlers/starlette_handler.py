"""The app of starlette_app.py on the layer."""

from starlette_app import app

from lambda_streamify import asgi

handler = asgi.handler(app)
