"""The streams in a Flask app."""

from bodies import COOKIES, HEADERS, PLAIN  # type: ignore[import-not-found]  # beside this file, as in bodies.py
from flask import Flask, Response, request

from lambda_streamify import wsgi

app = Flask(__name__)
lambda_handler = wsgi.handler(app)


@app.get("/page")
def page() -> Response:
    """Return a text whose length is known."""
    return Response("the whole text\n", content_type="text/plain; charset=utf-8")


@app.get("/<case>")
def stream(case: str) -> Response:
    """Stream what the path names."""
    response = Response(PLAIN[case](request.args), 201, HEADERS)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response
