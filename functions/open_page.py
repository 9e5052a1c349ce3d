"""Opens the page of a function: the command of `make demo-web`, for `streamify serve --exec`.

It prints the address, opens a browser if there is one, and waits for Ctrl-C.
"""

import json
import os
import sys
import webbrowser
from contextlib import suppress
from signal import SIGINT, default_int_handler, signal
from threading import Event
from urllib.request import urlopen


def address(name):
    """Returns the URL of a function, by Lambda's GetFunctionUrlConfig."""
    endpoint = os.environ["AWS_ENDPOINT_URL_LAMBDA"]
    with urlopen(f"{endpoint}/2021-10-31/functions/{name}/url") as response:  # noqa: S310 - the emulator's
        return json.load(response)["FunctionUrl"]


def has_display():
    # Without one, webbrowser would start a browser in the terminal.
    return sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ


def main():
    # A shell starts background commands so that they ignore Ctrl-C.
    signal(SIGINT, default_int_handler)
    url = address(sys.argv[1])
    print(f"open {url} - Ctrl-C ends", flush=True)
    if has_display():
        webbrowser.open(url)
    Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
