"""The command-line interface. The commands for recordings and load tests have modules of their own."""

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import EmulatorError
from . import attach as attach_commands
from . import check as check_command
from . import load as load_command
from . import precompile as precompile_command
from . import recording_commands
from .errors import reporting_errors
from .handler_options import Memory, Runtime, Timeout, Variables, VariablesFile, handler_settings
from .help import Command, Group
from .http_request import Data, Headers, Method, Query, RequestPath, read_request
from .options import (
    DEFAULT_TEMPLATE,
    AllowHost,
    Layers,
    MaxConcurrency,
    Parameters,
    Served,
    Stack,
    layer_places,
    parameter_values,
)

app = typer.Typer(
    cls=Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Response streaming for Python on AWS Lambda, on your own machine.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callbacks get the value alone
    if asked:
        typer.echo(f"lambda-streamify {version('lambda-streamify')}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Hold the options that come before a command."""


@app.command(cls=Command)
def serve(
    template: Served = None,
    port: Annotated[
        int,
        typer.Option(help="The port of the Lambda API; the function URLs use the ports after it. 0 chooses free ones."),
    ] = 4000,
    parameter: Parameters = None,
    command: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Run COMMAND against the emulator, then exit with its status."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one JSON object.")] = False,
    *,
    host: Annotated[
        str, typer.Option(help="The address to listen on. Change it to let other machines connect.", metavar="ADDRESS")
    ] = "127.0.0.1",
    allow_host: AllowHost = None,
    public_host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The host name that functions see in requests, over https. Requests may use it."
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve function URLs and REST APIs over https, with a new certificate.")
    ] = False,
    layer: Layers = None,
    stack: Stack = None,
    runtime: Runtime = None,
    env: Variables = None,
    env_file: VariablesFile = None,
    timeout: Timeout = None,
    memory: Memory = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Serve only this function. Repeatable.", metavar="NAME"),
    ] = None,
    limits: Annotated[
        Literal["aws", "none"],
        typer.Option(help="Limits on payload sizes, bandwidth and memory: those of AWS, or none."),
    ] = "aws",
    stream_error: Annotated[
        Literal["end", "cut"],
        typer.Option(help="How a function URL ends a body after an error: normally, or cut off."),
    ] = "end",
    max_sandboxes: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Limit on processes per function without ReservedConcurrentExecutions."),
    ] = 1000,
    max_concurrency: MaxConcurrency = None,
    idle_minutes: Annotated[
        float, typer.Option(min=0, metavar="N", help="Minutes after which an idle process is stopped.")
    ] = 10,
    env_vars: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Environment variables, in the JSON format of sam local's --env-vars."),
    ] = None,
    with_credentials: Annotated[
        bool, typer.Option("--with-credentials", help="Give functions your AWS credentials.")
    ] = False,
    debug: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Let a debugger attach to this function, and lift its time and memory limits."
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Record each response in DIR, as the runtime writes it and as it is sent to the client.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not start if `streamify check` finds an error in the template.")
    ] = False,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare", help="Install and build what the functions need, print a line for each one, then exit."
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Print only what functions print, and problems: errors, cut responses, timeouts."),
    ] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(help="The log as text, or as one JSON object per line."),
    ] = "text",
    log_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Add the whole log to FILE too, without functions' names before the lines."),
    ] = None,
) -> None:
    """Run functions behind streaming URLs and the Lambda API: those of a template, or handlers without one.

    Edits of the template, and of the functions' code, count while it runs.

    To call them from SDKs and the AWS CLI, set AWS_ENDPOINT_URL_LAMBDA to the address of the Lambda API.
    """
    from ..activity.activity import Activity
    from ..invocations.limits import LIMITS, UNLIMITED
    from ..invocations.recording_channel import Recordings
    from ..settings import Settings, read_max_concurrency
    from ..terminal import terminal
    from ..terminal.serve_log import serve_log
    from ..web.host_check import host_name
    from .prepare import prepare as prepare_functions
    from .serve import serve as run
    from .sources import source_of
    from .template_source import TemplateSource

    is_json = log_format == "json"
    with (
        terminal.messages(as_json=is_json),
        reporting_errors(),
        serve_log(as_json=is_json, quiet=quiet, path=log_file) as log,
    ):
        recordings = None if record is None else Recordings(record, terminal.say)
        settings = Settings(
            host=host,
            allowed_hosts=tuple(map(host_name, allow_host or ())),
            public_host=None if public_host is None else host_name(public_host, "--public-host"),
            tls=tls,
            limits=LIMITS if limits == "aws" else UNLIMITED,
            cuts_errors=stream_error == "cut",
            max_sandboxes=max_sandboxes,
            max_concurrency=read_max_concurrency("--max-concurrency", max_concurrency or ()),
            idle_limit=idle_minutes * 60,
            with_credentials=with_credentials,
            debug=debug,
            recordings=recordings,
            activity=Activity(),
            on_request=log.request,
        )
        try:
            source = source_of(
                template,
                stack,
                handler_settings(runtime, env, env_file, timeout, memory),
                TemplateSource(
                    DEFAULT_TEMPLATE,
                    parameters=parameter_values(parameter),
                    layers=layer_places(layer),
                    env_vars=env_vars,
                    only=only or (),
                    debug=debug,
                    strict=strict,
                ),
            )
            if prepare:
                status = asyncio.run(prepare_functions(source))
            else:
                serving = run(source, port=port, command=command, as_json=as_json, settings=settings, log=log.line)
                status = asyncio.run(serving)
        finally:
            if recordings is not None:
                recordings.close()
    raise typer.Exit(status)


@app.command(cls=Command)
def invoke(
    target: Annotated[str, typer.Argument(help="The name of a function, or a URL.", metavar="NAME|URL")],
    event: Annotated[
        Path | None,
        typer.Option(
            help="A file with the event, or the JSON to POST to a URL; - is standard input. Default: {}, or a GET.",
            allow_dash=True,
        ),
    ] = None,
    *,
    method: Method = None,
    path: RequestPath = None,
    data: Data = None,
    header: Headers = None,
    query: Query = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record the response, with its times, in this file.")
    ] = None,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Invoke the function on AWS, with the credentials and region of the AWS CLI."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each event of the stream as a JSON array, as in a recording."),
    ] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Print control characters of the stream unchanged, so that the terminal obeys them."
        ),
    ] = False,
    timeline: Annotated[
        bool | None,
        typer.Option(
            "--timeline/--no-timeline",
            help="Draw a timeline of the chunks at the end; with --json, print its figures. Default: in a terminal.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print each chunk of a response as it arrives, with its time.

    The function is invoked at AWS_ENDPOINT_URL_LAMBDA, by default in an emulator on its default port. With --method,
    --path, --data, --header or --query, an HTTP request is sent to its function URL instead. Recordings hide cookies
    and other secrets of the response; docs/reference/recording-format.md lists them.

    The exit status is 1 if the function fails: with an error, also within the stream, or with an HTTP status of 500 or
    more.
    """
    from ..clients.url_client import is_url
    from ..terminal import terminal
    from ..terminal.stream_view import show
    from .events import read_event
    from .invoke import invoke_target

    with reporting_errors():
        if raw and as_json:
            raise EmulatorError("--raw and --json: choose one of them")
        posted = event if is_url(target) else None
        request = read_request(method=method, path=path, data=data, header=header, query=query, event=posted)
        if request is not None and event is not posted:
            raise EmulatorError("--event is the whole event: write the request into it, or give its body with --data")
        payload = None if event is posted or event is None else read_event(event)
        events = invoke_target(target, payload, request, remote=remote, record=record)
        drawn = terminal.can_draw() and not as_json if timeline is None else timeline
        succeeded = show(events, as_json=as_json, timeline=drawn, raw=raw)
    raise typer.Exit(0 if succeeded else 1)


app.command(cls=Command)(check_command.check)
app.command(cls=Command)(precompile_command.precompile)
app.command(cls=Command)(load_command.load)
app.command(cls=Command)(recording_commands.doctor)
app.command(cls=Command)(recording_commands.replay)
app.command(cls=Command)(recording_commands.diff)
app.command(cls=Command)(recording_commands.plot)
app.command(cls=Command)(attach_commands.attach)
app.command(cls=Command)(attach_commands.detach)
