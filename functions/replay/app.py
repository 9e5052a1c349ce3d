"""Streams a recording with its original times: a front end gets a realistic stream without a model behind it.

    ?recording=story     the recording; this one by default
    ?speed=2  ?instant   twice as fast; without waiting
    ?truncate=20  ?error=20  ?stall=20:3  ?jitter=0.2  ?slice=10  ?idle_limit=0.5  ?seed=7

The last line injects faults, like the options of `streamify replay`: docs/guides/recordings.md describes each.
"""

import math
import random
from itertools import chain
from pathlib import Path

from carried.errors import FaultError

# Modules of the emulator, which the Makefile copies.
from carried.recordings.recording import CODES, HEAD, TEXT, RecordingReader
from carried.replays.clocks import RealClock
from carried.replays.faults import Faults
from carried.replays.playback import Outcome, at_their_times, without_hidden

from lambda_streamify import StreamingResponse

RECORDINGS = {path.stem: path for path in sorted((Path(__file__).parent / "recordings").glob("*.ndjson"))}


def number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def stall(text):
    after, _, seconds = text.partition(":")
    return int(after), number(seconds)


OPTIONS = {
    "speed": (number, "a number: 2 is twice as fast"),
    "idle_limit": (number, "a number of seconds"),
    "jitter": (number, "a fraction from 0 to 1"),
    "stall": (stall, "N:SECONDS, such as 20:1.5"),
    "truncate": (int, "the number of a chunk"),
    "error": (int, "the number of a chunk"),
    "slice": (int, "a number of bytes"),
    "seed": (int, "a whole number"),
}


def lambda_handler(event, context):
    query = dict(event.get("queryStringParameters") or {})
    name = query.pop("recording", "story")
    instant = query.pop("instant", None) is not None
    if name not in RECORDINGS:
        return refusal(404, f"There is no recording {name!r}. There are: {', '.join(RECORDINGS)}.")
    try:
        faults = faults_of(query)
        events = faults.apply(events_of(RECORDINGS[name]))
    except FaultError as problem:
        return refusal(400, f"{problem}.")
    print(f"{name}: seed {faults.seed}")  # with it, the random faults can be repeated
    return response(events if instant else at_their_times(events, RealClock()))


def refusal(status, text):
    return {"statusCode": status, "headers": {"content-type": "text/plain; charset=utf-8"}, "body": f"{text}\n"}


def faults_of(query):
    values = {"seed": random.getrandbits(32)}
    for name, text in query.items():
        if name not in OPTIONS:
            raise FaultError(f"There is no option {name!r}. There are: recording, instant, {', '.join(OPTIONS)}")
        read, kind = OPTIONS[name]
        try:
            values[name] = read(text)
        except ValueError:
            raise FaultError(f"{name}={text}: it is {kind}") from None
    return Faults(**values)


def events_of(path):
    with path.open(encoding="utf-8", newline="\n") as file:
        for event in RecordingReader(file):
            if event.code in CODES:  # later versions of the format may have other codes
                yield event


def response(events):
    first = next(events, None)
    if first is None or first.code != HEAD:  # recordings of some layers have no head
        return StreamingResponse(body(chain([first] if first else [], events)))
    head, _ = without_hidden(first.data)
    headers = {name: value for name, value in head["headers"].items() if name.lower() != "date"}
    # Eager, because the first chunk may come much later than the head.
    return StreamingResponse(body(events), head["status_code"], headers, head["cookies"], eager=True)


def body(events):
    outcome = Outcome()
    for event in events:
        outcome.add(event)
        if event.code == TEXT:
            yield event.data
        elif event.chunk is not None:
            yield event.chunk
    if outcome.failure is not None:
        raise again(outcome.failure)


def again(failure):
    """Returns an error with the recorded name, which Lambda reports to its caller."""
    name = getattr(failure, "error_type", type(failure).__name__).rpartition(".")[2]
    return type(name, (Exception,), {})(getattr(failure, "message", failure))
