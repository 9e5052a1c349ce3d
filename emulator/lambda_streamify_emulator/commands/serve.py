"""`streamify serve`: an emulator in the foreground, until it is interrupted or the command that it runs ends."""

import asyncio
import json
import os
import signal
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..emulator import Emulator
from ..errors import EmulatorError
from ..sandboxes.debugger import check_name
from ..sandboxes.sandbox import GRACE
from ..settings import DEFAULTS, Settings
from ..template.env_vars import with_env_vars
from ..template.intrinsics import REGION
from ..template.reader import Template, load_template
from . import terminal

# What SDKs would take for the developer's in place of the emulator's own, or beside it.
IDENTITY = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SESSION_TOKEN")


async def serve(
    path: Path,
    *,
    port: int,
    command: str | None,
    as_json: bool,
    parameters: dict[str, str],
    settings: Settings = DEFAULTS,
    env_vars: Path | None = None,
    only: Collection[str] = (),
    layers: Mapping[str, Path] | None = None,
) -> int:
    """Serve the template at `path`; returns the exit status, which is that of `command` if there is one.

    `layers` are the places of layers, by their ARNs. `only` names the functions to serve; if it is empty, all are.
    """
    template = _selected(load_template(path, parameters, layers), only)
    if template.unresolved:
        terminal.say(f"not resolved in {path}, and left out of what functions see: {', '.join(template.unresolved)}")
    if settings.debug is not None:
        check_name(settings.debug, template.functions)
    notices: list[str] = []
    if env_vars is not None:
        template, notices = with_env_vars(template, env_vars)
    for notice in (*template.left_out, *notices):
        terminal.warn(notice)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    emulator = Emulator(template, port=port, say=terminal.say, log=terminal.log, settings=settings)
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(stack.enter_async_context(emulator))
        await _first(starting, stopped)
        if stopped.is_set():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            return 0
        await starting
        exposed = exposure(settings.host, emulator)
        if exposed is not None:
            terminal.warn(exposed)
        _announce(emulator, as_json=as_json)
        if command is None:
            if settings.activity is not None and not as_json:
                terminal.say(f"what runs, in a browser: {emulator.lambda_api}")
            await stopped.wait()
            return 0
        return await _run(command, emulator, stopped)


def _selected(template: Template, names: Collection[str]) -> Template:
    """The template with these of its functions, in its own order; whole if no names are given."""
    known = [function.name for function in template.functions]
    for name in names:
        if name not in known:
            raise EmulatorError(f"--only {name}: there is no such function; there are {', '.join(known)}")
    chosen = tuple(function for function in template.functions if not names or function.name in names)
    return replace(template, functions=chosen)


async def _first(task: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Return when the task is done or the event set."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _announce(emulator: Emulator, *, as_json: bool) -> None:
    if as_json:
        found = {
            "lambda_api": emulator.lambda_api,
            "urls": emulator.urls,
            "apis": emulator.apis,
            "credentials": emulator.iam.described(),
        }
        print(json.dumps(found), flush=True)  # noqa: T201
        return
    width = max(map(len, ("Lambda API", *emulator.urls, *emulator.apis)))
    terminal.OUT.print(f"{'Lambda API':{width}}  {emulator.lambda_api}")
    for name, url in (*emulator.urls.items(), *emulator.apis.items()):
        terminal.OUT.print(f"{name:{width}}  {url}")
    first = next((url for name, url in emulator.urls.items() if name not in emulator.signed), None)
    if first:
        terminal.say(f"try: curl -N {first}")
    if emulator.signed:
        key, secret, region = emulator.iam.described().values()
        curl = (
            f'curl --aws-sigv4 "aws:amz:{region}:lambda" --user "{key}:{secret}" -N {emulator.urls[emulator.signed[0]]}'
        )
        terminal.say(f"requests to {', '.join(emulator.signed)} have to be signed: {curl}")


def exposure(host: str, emulator: Emulator) -> str | None:
    """What others can do over the network; None if only this machine can."""
    if ip_address(emulator.listens_on).is_loopback:
        return None
    ports = ", ".join(
        f"{name} ({urlsplit(url).port})" for name, url in (*emulator.urls.items(), *emulator.apis.items())
    )
    return (
        f"--host {host}: whoever can reach this machine can invoke all functions, read their environment variables, "
        "and watch what they answer and print, without credentials, on the port of the Lambda API and the dashboard "
        f"({urlsplit(emulator.lambda_api).port})" + (f"; and send requests to {ports}" if ports else "")
    )


async def _run(command: str, emulator: Emulator, stopped: asyncio.Event) -> int:
    """Run `command` in a shell where SDKs find the emulator; ends it, with all its processes, if it is to stop."""
    kept = {name: value for name, value in os.environ.items() if name not in IDENTITY}
    environment = {
        **kept,
        "AWS_ACCESS_KEY_ID": emulator.iam.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": emulator.iam.credentials.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_LAMBDA": emulator.lambda_api,
    }
    # Ctrl-C and the input of a terminal are for its foreground group alone: there the command stays in the emulator's.
    group = None if os.isatty(0) else emulator.reaper.enrol
    process = await asyncio.create_subprocess_shell(command, env=environment, preexec_fn=group)

    def tell(number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone already; macOS says so with EPERM
            if group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    done = asyncio.create_task(process.wait())
    try:
        await _first(done, stopped)
        if not done.done():
            tell(signal.SIGTERM)
            await asyncio.wait([done], timeout=GRACE)
    finally:
        tell(signal.SIGKILL)  # what it started does not outlive it
        status = await done
        if group:
            emulator.reaper.remove(process.pid)
    return status if status >= 0 else 128 - status
