"""`streamify serve`: runs an emulator until it is interrupted, or until the command given to --exec ends."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ..account import REGION
from ..emulator import Emulator
from ..sandboxes.sandbox import TERMINATION_TIMEOUT_S
from ..settings import DEFAULTS, Settings
from ..terminal import terminal
from .file_watch import FileWatch
from .following import follow, report
from .stop_signal import stop_signal
from .template_source import TemplateSource

# Variables that would make SDKs use the developer's credentials instead of the emulator's.
IDENTITY_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SESSION_TOKEN")


async def serve(
    source: TemplateSource,
    *,
    port: int,
    command: str | None,
    as_json: bool,
    settings: Settings = DEFAULTS,
    log: Callable[[str, str], None] = terminal.log,
) -> int:
    """Serve the template; return the exit status, which is that of `command` if there is one.

    `log` is called with the name of a function and each line that it prints. Raises EmulatorError if the template
    cannot be served when it is read first.
    """
    watch = FileWatch(source.files)  # before they are read, so that no edit is missed
    reading = source.read()
    report(source, reading, activity=settings.activity)
    stopped = stop_signal()
    emulator = Emulator(reading.template, port=port, say=terminal.say, log=log, settings=settings)
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
        following = asyncio.create_task(follow(source, watch, emulator, reading, settings.activity))
        stack.push_async_callback(_cancel, following)
        if command is None:
            if settings.activity is not None and not as_json:
                terminal.say(f"dashboard: {emulator.lambda_api}")
            await stopped.wait()
            return 0
        return await _run(command, emulator, stopped)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _first(task: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Wait until the task is done or the event is set."""
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
            "credentials": emulator.iam.describe(),
            **({} if emulator.ca_file is None else {"ca_certificate": str(emulator.ca_file)}),
        }
        print(json.dumps(found), flush=True)  # noqa: T201
        return
    width = max(map(len, ("Lambda API", *emulator.urls, *emulator.apis)))
    terminal.OUT.print(f"{'Lambda API':{width}}  {emulator.lambda_api}")
    for name, url in (*emulator.urls.items(), *emulator.apis.items()):
        terminal.OUT.print(f"{name:{width}}  {url}")
    trust = "" if emulator.ca_file is None else f"--cacert {emulator.ca_file} "
    if emulator.ca_file is not None:
        terminal.say(f"clients must trust the CA certificate {emulator.ca_file}")
    first = next((url for name, url in emulator.urls.items() if name not in emulator.signed), None)
    if first:
        terminal.say(f"try: curl {trust}-N {first}")
    if emulator.signed:
        key, secret, region = emulator.iam.describe().values()
        curl = (
            f'curl {trust}--aws-sigv4 "aws:amz:{region}:lambda" --user "{key}:{secret}" '
            f"-N {emulator.urls[emulator.signed[0]]}"
        )
        terminal.say(f"requests to {', '.join(emulator.signed)} must be signed: {curl}")


def exposure(host: str, emulator: Emulator) -> str | None:
    """Return a warning about what other machines can do; None if the emulator listens on a loopback address."""
    if ip_address(emulator.listens_on).is_loopback:
        return None
    ports = ", ".join(
        f"{name} ({urlsplit(url).port})" for name, url in (*emulator.urls.items(), *emulator.apis.items())
    )
    return (
        f"--host {host}: anyone who can reach this machine can, without credentials, invoke all functions and "
        "read their environment variables, requests, responses and logs, on the port of the Lambda API and the "
        f"dashboard ({urlsplit(emulator.lambda_api).port})" + (f"; and send requests to {ports}" if ports else "")
    )


async def _run(command: str, emulator: Emulator, stopped: asyncio.Event) -> int:
    """Run `command` in a shell whose environment points SDKs to the emulator; return its exit status.

    When `stopped` is set, end the command and all its processes.
    """
    kept = {name: value for name, value in os.environ.items() if name not in IDENTITY_VARIABLES}
    environment = {
        **kept,
        "AWS_ACCESS_KEY_ID": emulator.iam.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": emulator.iam.credentials.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_LAMBDA": emulator.lambda_api,
        **({} if emulator.ca_file is None else {"STREAMIFY_CA_FILE": str(emulator.ca_file)}),
    }
    # Only the foreground group of a terminal receives Ctrl-C and input, so there the command stays in our own group.
    group = None if os.isatty(0) else emulator.reaper.enrol
    process = await asyncio.create_subprocess_shell(command, env=environment, preexec_fn=group)

    def send(number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it has exited; macOS reports that as EPERM
            if group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    done = asyncio.create_task(process.wait())
    try:
        await _first(done, stopped)
        if not done.done():
            send(signal.SIGTERM)
            await asyncio.wait([done], timeout=TERMINATION_TIMEOUT_S)
    finally:
        send(signal.SIGKILL)  # also ends the processes that it started
        status = await done
        if group:
            emulator.reaper.remove(process.pid)
    return status if status >= 0 else 128 - status
