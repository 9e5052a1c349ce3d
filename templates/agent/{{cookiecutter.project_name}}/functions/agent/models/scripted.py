"""A script in place of a model: it needs no key and no network, and uses the same tools.

It answers one kind of question, how far one sees from a lighthouse, and fails on request: "fail" in a question ends the
answer in an error.
"""

import re
import time

from tools import LIGHTHOUSES

from models import End, ModelError, Text, ToolCall

MAX_SILENCE = 5  # seconds
PAUSE = 0.06  # seconds between two words, so that people can read along

INTRODUCTION = """\
I am a script, and I stand where a model will: on your machine this page needs no key and no network. Deployed, the \
same function asks a model of Amazon Bedrock.

I know how high some lighthouses are, and how to calculate with it. Ask me, for example, from which one you see \
farther, Bell Rock or Cape Hatteras. My other lighthouses are Fastnet, Jeddah and the Tower of Hercules.

Stop me whenever you like: the run then ends on the server. If you cut the connection, the page comes back and shows \
what it missed."""


def answer(system, messages, tools):
    yield from counted(steps(messages))


def steps(messages):
    """Yields what comes next in the conversation: words, then tools."""
    question = next(text for message in reversed(messages) if (text := text_of_user(message)))
    names = [name for name in LIGHTHOUSES if name.lower() in question.lower()]
    results = [[block["toolResult"] for block in message["content"] if "toolResult" in block] for message in messages]
    results = [found for found in results if found]
    if "fail" in question.lower():
        yield from spoken("I begin to answer, and then")
        raise ModelError(
            "the question asks for a failure", code="ScriptedError", message="The model cannot answer now.", retry=2_000
        )
    if not names:
        yield from spoken(INTRODUCTION)
    elif not results:
        yield from spoken("I look up how high the towers are.")
        yield from (ToolCall(f"height-{number}", "lighthouse", {"name": name}) for number, name in enumerate(names))
    elif len(results) == 1:
        yield from spoken("From a height of h metres the horizon is 3.57 √h kilometres away.")
        for number, result in enumerate(results[0]):
            height, _ = result["content"][0]["json"]["height"].split()
            yield ToolCall(f"distance-{number}", "calculate", {"expression": f"3.57 * sqrt({height})"})
    else:
        yield from spoken(conclusion(names, [result["content"][0]["json"]["value"] for result in results[1]]))


def text_of_user(message):
    return message["content"][0].get("text") if message["role"] == "user" else None


def conclusion(names, distances):
    told = [f"{distance:.0f} km from {name}" for name, distance in zip(names, distances, strict=True)]
    text = f"On a clear day you see {' and '.join(told)}."
    if len(names) > 1:
        farthest = names[distances.index(max(distances))]
        text += f" So it is {farthest}, if you do not mind the stairs."
    return text


def spoken(text):
    for word in re.findall(r"\s*\S+", text):
        yield Text(word)


def counted(items):
    count, stop_reason = 0, "end_turn"
    for item in items:
        time.sleep(PAUSE)
        yield item
        count += 1
        if isinstance(item, ToolCall):
            stop_reason = "tool_use"
    yield End(stop_reason, {"inputTokens": 0, "outputTokens": count, "totalTokens": count})
