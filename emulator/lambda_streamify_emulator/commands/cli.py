"""The commands; those on recordings, and the load test, are in modules of their own."""

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import EmulatorError
from ..load import command as load_command
from . import recording_commands
from .errors import errors_told

app = typer.Typer(
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


@app.command()
def serve(
    template: Annotated[Path, typer.Argument(help="The SAM template.", show_default=True)] = Path("template.yaml"),
    port: Annotated[
        int, typer.Option(help="The port of the Lambda API; the function URLs follow. 0: any that are free.")
    ] = 4000,
    parameter: Annotated[
        list[str] | None, typer.Option(help="A parameter of the template.", metavar="NAME=VALUE")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Run COMMAND against the emulator, then stop with its status."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one JSON object.")] = False,
    *,
    host: Annotated[
        str, typer.Option(help="Where to listen, if others than this machine are to reach it.", metavar="ADDRESS")
    ] = "127.0.0.1",
    layer: Annotated[
        list[str] | None,
        typer.Option(help="Where the content of a layer lies: a folder or a .zip file.", metavar="ARN=PATH"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Serve this function and not the others; may be given more than once.", metavar="NAME"),
    ] = None,
    limits: Annotated[
        Literal["aws", "none"],
        typer.Option(
            help="How much functions may be asked and may answer, how fast, and the memory that they may use."
        ),
    ] = "aws",
    stream_error: Annotated[
        Literal["end", "cut"],
        typer.Option(help="How the body of a function URL ends after an error: as if it were whole, or cut off."),
    ] = "end",
    max_sandboxes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes of a function without ReservedConcurrentExecutions.")
    ] = 1000,
    idle_minutes: Annotated[
        float, typer.Option(min=0, metavar="N", help="Minutes after which a process that nobody needs ends.")
    ] = 10,
    env_vars: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Values of environment variables, in the JSON of sam local's --env-vars."),
    ] = None,
    with_credentials: Annotated[
        bool, typer.Option("--with-credentials", help="Let functions act with your AWS credentials.")
    ] = False,
    debug: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Let a debugger attach to this function, whose time and memory are its own."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Record each response in DIR: as the runtime writes it, and as it leaves for the client.",
        ),
    ] = None,
) -> None:
    """Run the functions of a SAM template behind streaming URLs and the Lambda API.

    SDKs and the AWS CLI find them where AWS_ENDPOINT_URL_LAMBDA is the address of the Lambda API.
    """
    from ..dashboard.activity import Activity
    from ..invocations.limits import LIMITS, UNLIMITED
    from ..invocations.recording_channel import Recordings
    from ..settings import Settings
    from . import terminal
    from .serve import serve as run

    with errors_told():
        recordings = None if record is None else Recordings(record, terminal.say)
        settings = Settings(
            host=host,
            limits=LIMITS if limits == "aws" else UNLIMITED,
            cuts_errors=stream_error == "cut",
            max_sandboxes=max_sandboxes,
            idle_limit=idle_minutes * 60,
            with_credentials=with_credentials,
            debug=debug,
            recordings=recordings,
            activity=Activity(),
        )
        parameters = dict(_pair("--parameter", text) for text in parameter or ())
        try:
            serving = run(
                template,
                port=port,
                command=command,
                as_json=as_json,
                parameters=parameters,
                settings=settings,
                env_vars=env_vars,
                only=only or (),
                layers={arn: Path(path) for arn, path in (_pair("--layer", text) for text in layer or ())},
            )
            status = asyncio.run(serving)
        finally:
            if recordings is not None:
                recordings.close()
    raise typer.Exit(status)


@app.command()
def invoke(
    target: Annotated[str, typer.Argument(help="The name of a function, or a URL.", metavar="NAME|URL")],
    event: Annotated[
        Path | None,
        typer.Option(
            help="A file with the event, or for a URL the JSON to POST; - is standard input. Without it: {}, or a GET.",
            allow_dash=True,
        ),
    ] = None,
    *,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what comes, with its times, as a recording.")
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Invoke the function on AWS, as the AWS CLI would find it.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each event of the stream as a JSON array, as recordings have it."),
    ] = False,
    timeline: Annotated[
        bool | None,
        typer.Option(
            "--timeline/--no-timeline",
            help="At the end, draw when the chunks came, or with --json print the figures. Default: in a terminal.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print each chunk of a response as it arrives, with its time beside it.

    A function runs where AWS_ENDPOINT_URL_LAMBDA says, else in an emulator on its default port. Recordings hide cookies
    and other secrets of the response; docs/recording-format.md says which.

    The exit status is 1 if the function fails.
    """
    from . import terminal
    from .events import read_event
    from .invoke import invoke_target
    from .stream_view import show

    with errors_told():
        events = invoke_target(target, None if event is None else read_event(event), remote=remote, record=record)
        drawn = terminal.draws() and not as_json if timeline is None else timeline
        succeeded = show(events, as_json=as_json, timeline=drawn)
    raise typer.Exit(0 if succeeded else 1)


app.command()(load_command.load)
app.command()(recording_commands.replay)
app.command()(recording_commands.diff)
app.command()(recording_commands.plot)
app.command()(recording_commands.doctor)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise EmulatorError(f"{option} {text}: write it as {'ARN=PATH' if option == '--layer' else 'NAME=VALUE'}")
    return name, value
