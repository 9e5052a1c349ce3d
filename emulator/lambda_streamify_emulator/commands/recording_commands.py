"""The commands for recordings."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from ..errors import EmulatorError, FaultError
from .errors import reporting_errors
from .options import AllowHost

# The port of the first function URL of `serve`, so that a front end needs no other address for a replay.
DEFAULT_PORT = 4001

Recording = Annotated[Path, typer.Argument(help="A recording.", metavar="FILE", show_default=False)]


def replay(
    file: Recording,
    *,
    port: Annotated[int, typer.Option(help="The port of the URL. 0 chooses a free one.")] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    allow_host: AllowHost = None,
    speed: Annotated[float, typer.Option(help="A factor: 2 is twice as fast.", metavar="X")] = 1.0,
    instant: Annotated[bool, typer.Option("--instant", help="Do not wait between chunks.")] = False,
    idle_limit: Annotated[
        float | None, typer.Option(help="Shorten each gap to at most this.", metavar="SECONDS")
    ] = None,
    jitter: Annotated[
        float, typer.Option(help="Make each gap longer or shorter by up to this fraction, 0 to 1.", metavar="F")
    ] = 0.0,
    seed: Annotated[
        int | None,
        typer.Option(help="Repeat the jitter of an earlier replay. Default: a random seed, which is printed."),
    ] = None,
    stall: Annotated[
        str | None, typer.Option(help="After chunk N, send nothing for this long.", metavar="N:SECONDS")
    ] = None,
    truncate: Annotated[int | None, typer.Option(help="End normally after chunk N.", metavar="N")] = None,
    error: Annotated[int | None, typer.Option(help="Fail after chunk N, as a function does.", metavar="N")] = None,
    disconnect: Annotated[int | None, typer.Option(help="Break the connection after chunk N.", metavar="N")] = None,
    slice_: Annotated[
        int | None, typer.Option("--slice", help="Split chunks into pieces of at most this size.", metavar="BYTES")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one JSON object.")] = False,
) -> None:
    """Serve a recording as a function URL would: each request gets the same status, headers, chunks and times.

    Chunk numbers N are those of the recording; 0 means before the first chunk.
    """
    from ..replays.faults import Faults
    from ..web.host_check import host_name
    from .replay_serve import serve

    with reporting_errors():
        if instant and speed != 1:
            raise FaultError("--instant and --speed: choose one of them")
        faults = Faults(
            speed=speed,
            idle_limit=idle_limit,
            jitter=jitter,
            stall=None if stall is None else _stall(stall),
            truncate=truncate,
            error=error,
            disconnect=disconnect,
            slice=slice_,
            seed=secrets.randbelow(2**32) if seed is None else seed,
        )
        names = (host, *map(host_name, allow_host or ()))
        serving = serve(file, host=host, port=port, names=names, faults=faults, instant=instant, as_json=as_json)
        asyncio.run(serving)


def diff(
    a: Recording,
    b: Annotated[Path, typer.Argument(help="Another recording.", metavar="FILE2", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    """Compare two recordings: their bytes, their chunks and their times.

    The exit status is 0 if the bytes are the same, 1 if not, and 2 if a recording cannot be read.
    """
    from ..analysis.diff import show

    with reporting_errors():
        same = show(a, b, as_json=as_json)
    raise typer.Exit(0 if same else 1)


def plot(
    files: Annotated[list[Path], typer.Argument(help="Recordings.", metavar="FILE...", show_default=False)],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The SVG file to write."),
    ] = None,
) -> None:
    """Draw the chunks of recordings over time, one below the other on one scale. A mark's height is the chunk's size.

    Without --output, the picture is written to the current folder, under the first recording's name with .svg.
    """
    from ..analysis.plot import plot as draw

    with reporting_errors():
        written = output or Path(files[0].with_suffix(".svg").name)
        draw(files, written)
        typer.echo(written)


def doctor(
    target: Annotated[
        str,
        typer.Argument(
            help="A recording, or the name of a function or a URL to send one request to.", metavar="FILE|NAME|URL"
        ),
    ],
    other: Annotated[
        Path | None,
        typer.Argument(
            help="The recording of the same request at the other layer.", metavar="FILE2", show_default=False
        ),
    ] = None,
    *,
    cacert: Annotated[
        Path | None,
        typer.Option("--cacert", metavar="FILE", help="Trust the certificates of this CA as well, in PEM format."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    """Find out whether a response streamed, what buffered it, and what to check.

    A function is looked up at AWS_ENDPOINT_URL_LAMBDA, by default in an emulator on its default port. It gets the
    request at its URL; without one, it is invoked.

    The exit status is 0 if it streamed, 1 if not, and 2 if there is nothing to examine.
    """
    from ..analysis.doctor import show, show_recordings
    from .examined import examined_response

    with reporting_errors():
        response = examined_response(target, cacert)
        if response is None:
            streamed = show_recordings(Path(target), other, as_json=as_json)
        elif other is not None:
            raise EmulatorError(f"{target} and {other}: only two recordings can be compared; leave one out")
        else:
            streamed = show(response, as_json=as_json)
    raise typer.Exit(0 if streamed else 1)


def _stall(text: str) -> tuple[int, float]:
    number, _, seconds = text.partition(":")
    try:
        return int(number), float(seconds)
    except ValueError:
        raise FaultError(f"--stall {text}: write it as N:SECONDS, such as 3:1.5") from None
