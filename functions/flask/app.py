"""A Flask app in a function: a CSV report of any length, sent line by line while it is generated.

The app is a WSGI app like any other, and runs under any server. Only the last line is specific to Lambda.
"""

import random
from datetime import date, timedelta

from flask import Flask, Response, request, stream_with_context, url_for

from lambda_streamify import wsgi

FIRST_DAY = date(2026, 1, 1)

app = Flask(__name__)


@app.get("/")
def index():
    return f'<!doctype html><title>Reports</title><a href="{url_for("visits", shop="north", days=365)}">Visits</a>\n'


@app.get("/<shop>/visits.csv")
def visits(shop):
    days = min(request.args.get("days", 7, int), 10_000)

    # The rows are generated after the view returns; without stream_with_context, `request` would no longer exist.
    @stream_with_context
    def rows():
        counts = random.Random(shop)  # noqa: S311 - not secret: stands for a database, and is always the same
        yield "day,visits\r\n"
        for number in range(days):
            visits = counts.randint(80, 120)
            if visits >= request.args.get("least", 0, int):
                yield f"{FIRST_DAY + timedelta(number)},{visits}\r\n"

    return Response(
        rows(),
        content_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{shop}.csv"'},
    )


lambda_handler = wsgi.handler(app)
