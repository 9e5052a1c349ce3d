"""Opens the page of a function: the command of `make demo-web`, for `streamify serve --exec`.

It prints the address, opens a browser if there is one, and waits for Ctrl-C.
"""

import json
import os
import sys
import webbrowser
from contextlib import suppress
from threading import Event
from urllib.request import urlopen


def address(name):
    """Returns the URL of a function, which the emulator knows."""
    with urlopen(f"{os.environ['AWS_ENDPOINT_URL_LAMBDA']}/dashboard/functions") as response:  # noqa: S310 - loopback
        functions = json.load(response)["functions"]
    return next(function["url"] for function in functions if function["name"] == name)


def has_display():
    # Without one, webbrowser would start a browser in the terminal.
    return sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ


def main():
    url = address(sys.argv[1])
    print(f"open {url} - Ctrl-C ends", flush=True)  # noqa: T201 - for people
    if has_display():
        webbrowser.open(url)
    Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
