"""The HTTP request in an event, for handlers and for ASGI and WSGI apps, and the lifespan protocol of ASGI.

It imports `_response`, `_core` and `errors`.
"""
