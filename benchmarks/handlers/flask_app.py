"""A Flask app that streams what the query asks for."""

import sized_bodies
from flask import Flask, Response, request

app = Flask(__name__)


@app.post("/chunks")
def chunks() -> Response:
    """Stream `count` chunks of `size` bytes."""
    return Response(sized_bodies.same(*_asked()), mimetype="text/plain")


@app.post("/failing-chunks")
def failing_chunks() -> Response:
    """Raise after the last of them."""
    return Response(sized_bodies.failing(*_asked()), mimetype="text/plain")


def _asked() -> tuple[int, int]:
    return int(request.args["count"]), int(request.args["size"])
