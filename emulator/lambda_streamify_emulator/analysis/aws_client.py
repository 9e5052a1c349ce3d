"""Whether AWS's own runtime client, awslambdaric, streams in the version that is installed beside the emulator.

Up to version 4.2.2 none does. The layer looks in the same way for the client of its environment.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

# The AWS Lambda Developer Guide, "Building a custom runtime": a client that streams has to send this header.
_HEADER = b"lambda-runtime-function-response-mode"


def streaming_version() -> str | None:
    """Return the version of the installed awslambdaric if one of its files names the header, otherwise None."""
    try:
        client = distribution("awslambdaric")
    except PackageNotFoundError:
        return None
    paths = [Path(str(client.locate_file(file))) for file in client.files or () if file.suffix in (".py", ".so")]
    streams = any(_HEADER in path.read_bytes().lower() for path in paths if path.is_file())
    return client.version if streams else None
