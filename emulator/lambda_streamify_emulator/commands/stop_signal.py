"""The signals that ask a command to end."""

import asyncio
import signal


def stop_signal() -> asyncio.Event:
    """Return an event that is set when the user, or the system, asks this process to end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    return stopped
