"""The app of fastapi_app.py on the layer."""

from fastapi_app import app

from lambda_streamify import asgi

handler = asgi.handler(app)
