"""The function of the recordings here: a word every three tenths of a second, as server-sent events."""

import time
from collections.abc import Iterator

from lambda_streamify import StreamingResponse, sse

WORDS = ("Marta", "kept", "the", "lighthouse", "at", "the", "end", "of", "the", "world")
SECONDS = 0.3


def words() -> Iterator[dict[str, str]]:
    """Think for a moment, then say one word after the other."""
    for word in WORDS:
        time.sleep(SECONDS)
        yield {"token": word}


def lambda_handler(_event: object, _context: object) -> StreamingResponse:
    """Answer a request of the function's URL."""
    return StreamingResponse(sse.events(words()))
