"""The command `streamify load`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import LoadError
from .errors import reporting_errors
from .http_request import Data, Headers, HttpRequest, Method, Query, RequestPath, read_request

USERS, USERS_WITH_RATE = 10, 100


def load(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A URL, or the name of a function that has one. A worker gets it from its master.",
            metavar="[URL|NAME]",
            show_default=False,
        ),
    ] = None,
    *,
    users: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Number of streams to read at the same time; with --rate, their limit. Default: {USERS}, or "
            f"{USERS_WITH_RATE} with --rate.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="N",
            help="Open loop: request N streams per second on average, at random times, whether or not earlier ones "
            "have ended. Times count from when a request was due.",
        ),
    ] = None,
    spawn_rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="N", help="Users to start per second. Default: all in the first second."),
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to keep requesting new streams.")
    ] = 10,
    slo: Annotated[
        str | None,
        typer.Option(
            metavar="LIMITS",
            help="Limits of a good stream, such as ttfb=500ms,gap=200ms,total=30s. Prints how many were good.",
        ),
    ] = None,
    ends_with: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="The end of each body, apart from white space, such as [DONE]. A stream that ends otherwise was cut.",
            show_default=False,
        ),
    ] = "",
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
    processes: Annotated[
        int | None,
        typer.Option(
            min=-1, metavar="N", help="Read the streams in N processes on this machine; -1: as many as it has cores."
        ),
    ] = None,
    master: Annotated[
        bool, typer.Option("--master", help="Have workers read the streams, on this or other machines.")
    ] = False,
    master_bind_host: Annotated[
        str, typer.Option(metavar="HOST", help="The address at which the master listens for workers; * is all.")
    ] = "*",
    master_bind_port: Annotated[int, typer.Option(metavar="PORT", help="The port at which the master listens.")] = 5557,
    expect_workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many workers the master waits for before the test.")
    ] = 1,
    worker: Annotated[
        bool, typer.Option("--worker", help="Read streams for a master, which says everything else.")
    ] = False,
    master_host: Annotated[str, typer.Option(metavar="HOST", help="The master's host, for a worker.")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(metavar="PORT", help="The master's port, for a worker.")] = 5557,
    web: Annotated[
        bool, typer.Option("--web", help="Serve Locust's own page at http://127.0.0.1:8089 during the test.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report with charts: the streams' figures, and Locust's own report."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Do not run the test but write it as a locustfile: FILE.py, or FILE.zip with what it imports.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    r"""Read many streams at the same time and measure first byte, gaps between chunks and total time.

    Each user requests one stream after another, each on a new connection; with --rate, requests do not wait for each
    other. Ctrl-C ends the test early and prints the figures so far. Needs Locust:
    pip install 'lambda-streamify\[load]'.

    The exit status is 0 if every stream was complete, 1 if not, and 2 if there was nothing to measure.
    """
    from ..clients.url_client import is_url
    from ..load import locustfile, runner
    from ..load.plan import WEB_PORT, Master, Plan, Worker
    from ..load.slo import parse_slo
    from ..terminal import terminal
    from .invoke import url_of

    with reporting_errors():
        runner.check_installed()
        _check_roles(target, is_master=master, is_worker=worker, processes=processes)
        if worker:
            succeeded = runner.work(Worker(master_host, master_port, processes))
            raise typer.Exit(0 if succeeded else 1)
        assert target is not None
        if slo is not None:
            parse_slo(slo)
        options = read_request(method=method, path=path, data=data, header=header, query=query, event=event)
        request = options or HttpRequest()
        plan = Plan(
            url=request.url(target if is_url(target) else url_of(target, remote=remote)),
            method=request.method,
            headers=dict(request.headers),
            body=request.body,
            ends_with=ends_with.encode("utf-8", "surrogateescape"),
            users=users or (USERS if rate is None else USERS_WITH_RATE),
            spawn_rate=spawn_rate,
            rate=rate,
            slo=slo,
            duration=duration,
            processes=processes,
            web=WEB_PORT if web else None,
            html=html,
            master=Master(master_bind_host, master_bind_port, expect_workers) if master else None,
        )
        if export is not None:
            written = locustfile.export(plan, export)
            terminal.say(f"{written} is written; run it with: {locustfile.command(plan)}")
            return
        if web:
            runner.check_free(WEB_PORT)
            terminal.say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
        succeeded = runner.load(plan, as_json=as_json)
    raise typer.Exit(0 if succeeded else 1)


def _check_roles(target: str | None, *, is_master: bool, is_worker: bool, processes: int | None) -> None:
    if is_master and is_worker:
        raise LoadError("--master and --worker: choose one of them; start the other in a process of its own")
    if is_master and processes is not None:
        raise LoadError("--master and --processes: omit one; --processes starts a master and workers by itself")
    if is_worker and target is not None:
        raise LoadError(f"--worker and {target}: omit the URL; a worker gets it from its master")
    if not is_worker and target is None:
        raise LoadError("name a URL, or a function that has one; only a --worker needs none")
    if processes == 0:
        raise LoadError("--processes 0: give a number from 1, or -1 for as many as this machine has cores")
