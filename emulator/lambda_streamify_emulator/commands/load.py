"""The command `streamify load`."""

from pathlib import Path
from typing import Annotated

import typer

from .errors import reporting_errors
from .http_request import Data, Headers, HttpRequest, Method, Query, RequestPath, read_request


def load(
    target: Annotated[str, typer.Argument(help="A URL, or the name of a function that has one.", metavar="URL|NAME")],
    *,
    users: Annotated[int, typer.Option(min=1, metavar="N", help="Number of streams to read at the same time.")] = 10,
    spawn_rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="N", help="Users to start per second. Default: all in the first second."),
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to keep requesting new streams.")
    ] = 10,
    event: Annotated[
        Path | None,
        typer.Option(help="A file with the JSON to POST; - is standard input. Default: send a GET.", allow_dash=True),
    ] = None,
    method: Method = None,
    path: RequestPath = None,
    data: Data = None,
    header: Headers = None,
    query: Query = None,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Look up the function on AWS, with the credentials and region of the AWS CLI."),
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Serve Locust's own page at http://127.0.0.1:8089 during the test.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    r"""Read many streams at the same time and measure first byte, largest gap and total time.

    Each user requests one stream after another, each on a new connection. Ctrl-C ends the test early and prints the
    figures so far. Needs Locust: pip install 'lambda-streamify\[load]'.

    The exit status is 0 if every stream was complete, 1 if not, and 2 if there was nothing to measure.
    """
    from ..clients.url_client import is_url
    from ..load.runner import STREAM_END_TIMEOUT_S, WEB_PORT, check_free, check_installed
    from ..load.runner import load as run
    from ..terminal import terminal
    from .invoke import url_of

    with reporting_errors():
        check_installed()
        options = read_request(method=method, path=path, data=data, header=header, query=query, event=event)
        request = options or HttpRequest()
        url = request.url(target if is_url(target) else url_of(target, remote=remote))
        if web:
            check_free(WEB_PORT)
            terminal.say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
        plan = {
            "url": url,
            "method": request.method,
            "body": None if request.body is None else request.body.decode("utf-8", "surrogateescape"),
            "headers": dict(request.headers),
            "users": users,
            "spawn_rate": users if spawn_rate is None else spawn_rate,
            "duration": duration,
            "grace": STREAM_END_TIMEOUT_S,
            "web": WEB_PORT if web else None,
        }
        succeeded = run(plan, as_json=as_json)
    raise typer.Exit(0 if succeeded else 1)
