"""The commands that work on recordings."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from ..errors import FaultError
from .errors import errors_told

# Where `serve` has the URL of its first function: a front end that was made for that finds the replay.
PORT = 4001

Recording = Annotated[Path, typer.Argument(help="A recording.", metavar="FILE", show_default=False)]


def replay(
    file: Recording,
    *,
    port: Annotated[int, typer.Option(help="The port of the URL. 0: any that is free.")] = PORT,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(help="2 is twice as fast as it was.", metavar="X")] = 1.0,
    instant: Annotated[bool, typer.Option("--instant", help="Do not wait between chunks.")] = False,
    idle_limit: Annotated[
        float | None, typer.Option(help="Shorten each silence to at most so long.", metavar="SECONDS")
    ] = None,
    jitter: Annotated[
        float, typer.Option(help="Make each silence longer or shorter by up to this fraction, 0 to 1.", metavar="F")
    ] = 0.0,
    seed: Annotated[
        int | None, typer.Option(help="For the same jitter as another time. Without it: any, which is printed.")
    ] = None,
    stall: Annotated[
        str | None, typer.Option(help="After chunk N, say nothing for so long.", metavar="N:SECONDS")
    ] = None,
    truncate: Annotated[int | None, typer.Option(help="End after chunk N, as if that were all.", metavar="N")] = None,
    error: Annotated[int | None, typer.Option(help="Fail after chunk N, as a function does.", metavar="N")] = None,
    disconnect: Annotated[int | None, typer.Option(help="Break the connection after chunk N.", metavar="N")] = None,
    slice_: Annotated[
        int | None, typer.Option("--slice", help="Cut chunks into pieces of at most so many bytes.", metavar="BYTES")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one JSON object.")] = False,
) -> None:
    """Serve a recording as the function URL did: same status, headers, chunks and times, for each request anew.

    Chunks are counted as they were recorded; 0 is before the first one.
    """
    from ..recordings.faults import Faults
    from .replay_serve import serve

    with errors_told():
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
        asyncio.run(serve(file, host=host, port=port, faults=faults, instant=instant, as_json=as_json))


def diff(
    a: Recording,
    b: Annotated[Path, typer.Argument(help="Another one.", metavar="FILE2", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    """Compare two recordings: their bytes, the borders of their chunks, their times.

    The exit status is 0 if the bytes are the same, 1 if not, 2 if one cannot be read.
    """
    from ..recordings.diff import show

    with errors_told():
        same = show(a, b, as_json=as_json)
    raise typer.Exit(0 if same else 1)


def plot(
    file: Recording,
    other: Annotated[
        Path | None, typer.Argument(help="Another one, to be drawn below.", metavar="FILE2", show_default=False)
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="What to write: NAME.svg, or NAME.png where matplotlib is installed."),
    ] = None,
) -> None:
    """Draw the chunks of a recording over time, each as high as it is large.

    Without --output it is written where you are, under the recording's name with .svg.
    """
    from ..recordings.plot import plot as draw

    with errors_told():
        written = output or Path(file.with_suffix(".svg").name)
        draw([file] if other is None else [file, other], written)
        typer.echo(written)


def doctor(
    target: Annotated[str, typer.Argument(help="A recording, or a URL to ask once.", metavar="FILE|URL")],
    other: Annotated[
        Path | None,
        typer.Argument(
            help="Of the same request, the recording at the other layer.", metavar="FILE2", show_default=False
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; times are in microseconds.")] = False,
) -> None:
    """Tell whether a response streamed or came in one burst, where it was held, and what to look at.

    The exit status is 0 if it was seen to stream, 1 if not, 2 if there is nothing to examine.
    """
    from ..recordings.doctor import show

    with errors_told():
        streamed = show(target, other, as_json=as_json)
    raise typer.Exit(0 if streamed else 1)


def _stall(text: str) -> tuple[int, float]:
    number, _, seconds = text.partition(":")
    try:
        return int(number), float(seconds)
    except ValueError:
        raise FaultError(f"--stall {text}: write it as N:SECONDS, such as 3:1.5") from None
