"""Tells a story as a language model would: token by token, as server-sent events, at an uneven pace."""

import asyncio
import json
import random

from pyphen import Pyphen

STORY = """\
Marta kept the lighthouse at the end of the world, where only gulls came to complain. \
One foggy night a very small boat knocked at the rocks. \
In it sat an old captain with a paper map, and the map was perfectly blank. \
"I have followed your light for forty years," he said. "It is the only thing I ever found." \
Marta took a pencil and drew a rock, a tower, and a window with a candle. \
"Now you have a place to start from," she said. \
By morning the boat was gone, and far out at sea somebody was waving a lantern back."""

# Seconds. The whole story takes about six.
THINKING = 0.7
TYPICAL_GAP = 0.028
SENTENCE_PAUSE = 0.12


def tokens(text):
    """Splits the text into sub-words, which joined together are the text again."""
    hyphenation = Pyphen(lang="en_US")
    for number, word in enumerate(text.split(" ")):
        first, *rest = hyphenation.inserted(word, hyphen="\0").split("\0")
        yield first if number == 0 else f" {first}"
        yield from rest


async def tell(text):
    pace = random.Random(1888)  # noqa: S311 - not secret: with a fixed seed the pace is always the same
    await asyncio.sleep(THINKING)
    for token in tokens(text):
        yield f"data: {json.dumps({'token': token})}\n\n"
        # A model's gaps are log-normal: most are short, and a few are long.
        gap = TYPICAL_GAP * pace.lognormvariate(0, 0.6)
        await asyncio.sleep(gap + SENTENCE_PAUSE if token.endswith((".", '."', ',"')) else gap)
    yield "event: done\ndata: {}\n\n"


def lambda_handler(event, context):
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/event-stream", "cache-control": "no-cache"},
        "body": tell(STORY),
    }
