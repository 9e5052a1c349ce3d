"""Streams that a store keeps, so that a reader that reconnects gets what it missed.

It imports `_bodies`, `_core`, `_response`, `_web`, `errors` and `sse`.
"""
