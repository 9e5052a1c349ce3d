"""What `streamify doctor` examines: a recording, or the response of a function or a URL to one request."""

import os
from collections.abc import Iterator
from pathlib import Path

from ..analysis.doctor import REQUEST_HEADERS
from ..clients.trust import trusting
from ..clients.url_client import ask, is_url
from ..errors import EmulatorError, EndpointError, NoUrlError
from ..recordings.recording import Event
from .invoke import invoke, url_of


def examined_response(target: str, ca_file: Path | None) -> Iterator[Event] | None:
    """Yield the events of the response of `target`, a URL or a function's name; return None if it is a recording.

    `ca_file` holds certificates of CAs to trust as well. Raises EmulatorError if it cannot be read, or if there is
    neither a recording nor a function of that name.
    """
    if not is_url(target):
        # A function's folder is likely to have the function's name.
        if os.path.lexists(target) and (os.sep in target or not Path(target).is_dir()):
            return None
        try:
            target = url_of(target)
        except NoUrlError:
            return invoke(target, b"{}")
        except EndpointError as error:
            raise EmulatorError(f"{target}: there is no such recording, and as a function: {error}") from error
    return ask(target, headers=REQUEST_HEADERS, tls=None if ca_file is None else trusting(ca_file))
