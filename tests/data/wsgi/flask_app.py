"""A Flask app whose stream waits at a gate, and so does what it does after its response."""

import hashlib
from collections.abc import Iterator

from flask import Flask, Response, redirect, request, stream_with_context, url_for
from gates import Gate  # type: ignore[import-not-found]  # beside this file, where Lambda runs it

from lambda_streamify import wsgi

app = Flask(__name__)
handler = wsgi.handler(app)


@app.get("/gated")
def gated() -> Response:
    """Stream three chunks."""
    gate = Gate(request.args["gate"])

    def chunks() -> Iterator[str]:
        for number in range(3):
            yield f"chunk {number}\n"
            gate.wait()

    response = Response(stream_with_context(chunks()), status=201, content_type="text/event-stream")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    response.call_on_close(gate.wait)
    return response


@app.post("/upload")
def upload() -> Response:
    """Lead to the page of what was uploaded."""
    digest = hashlib.sha256(request.files["file"].read()).hexdigest()
    return redirect(url_for("uploaded", digest=digest, name=request.form["name"]))  # type: ignore[return-value]


@app.get("/uploaded/<digest>")
def uploaded(digest: str) -> str:
    """Show what was uploaded."""
    return f"{request.args['name']}: {digest}"


@app.get("/broken")
def broken() -> Response:
    """Fail midway."""

    def chunks() -> Iterator[str]:
        yield "good\n"
        raise ValueError("midway")

    return Response(chunks())
