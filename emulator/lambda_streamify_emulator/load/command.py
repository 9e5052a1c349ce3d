"""The command `streamify load`."""

from pathlib import Path
from typing import Annotated

import typer

from ..commands.errors import errors_told
from ..errors import LoadError


def load(
    target: Annotated[str, typer.Argument(help="A URL, or the name of a function that has one.", metavar="URL|NAME")],
    *,
    users: Annotated[int, typer.Option(min=1, metavar="N", help="Streams that are read at a time.")] = 10,
    spawn_rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="N", help="Users that begin each second. Without it: all in the first one."),
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="After which no further stream is asked for.")
    ] = 10,
    event: Annotated[
        Path | None,
        typer.Option(help="A file with the JSON to POST; - is standard input. Without it: a GET.", allow_dash=True),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="A header of each request; more than once for more."),
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Look the function up on AWS, as the AWS CLI would find it.")
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Serve Locust's own page meanwhile, on http://127.0.0.1:8089.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    """Read many streams at a time, and tell how long they took: their first byte, their largest gap, their end.

    Each user asks for one stream after the other, on a connection of its own. Ctrl-C ends the test before its time, and
    the figures are printed all the same. It needs Locust: pip install 'lambda-streamify[load]'.

    The exit status is 0 if each stream was complete, 1 if not, 2 if there is nothing to measure.
    """
    from ..commands import terminal
    from ..commands.events import read_event
    from ..commands.invoke import url_of
    from ..commands.url_client import is_url
    from .runner import GRACE, WEB_PORT, check_free, check_installed
    from .runner import load as run

    with errors_told():
        check_installed()
        headers = dict(map(_header, header or ()))
        body = None if event is None else read_event(event)
        if body is not None and not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = "application/json"
        url = target if is_url(target) else url_of(target, remote=remote)
        if web:
            check_free(WEB_PORT)
            terminal.say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
        plan = {
            "url": url,
            "event": None if body is None else body.decode(),
            "headers": headers,
            "users": users,
            "spawn_rate": users if spawn_rate is None else spawn_rate,
            "duration": duration,
            "grace": GRACE,
            "web": WEB_PORT if web else None,
        }
        succeeded = run(plan, as_json=as_json)
    raise typer.Exit(0 if succeeded else 1)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise LoadError(f"--header {text}: write it as 'NAME: VALUE'")
    return name.strip(), value.strip()
