"""The loop of an agent: the model answers or calls tools, whose results it gets, until it has answered.

`run` yields the events of one run:

    text    {"text"}                           a piece of the answer
    tool    {"id", "name", "input"}            the model calls a tool
    result  {"id", "output", "isError"}        what the tool returned
    done    {"stopReason", "usage"}            the end; the usage is in tokens

`generation` is that of `observe`, which adds the tokens and the time in tools to the record of the stream.
"""

from collections import Counter
from contextlib import closing

import tools
from models import End, Text, Thinking, ToolCall

from lambda_streamify import sse

SYSTEM = "You are a helpful assistant. Use the tools where they help. Answer briefly, in plain text without Markdown."
MAX_TURNS = 8  # calls of the model in one run: a model that calls tools for ever is ended


def run(model, messages, generation):
    usage = Counter()
    for _ in range(MAX_TURNS):
        turn = Turn()
        with closing(model.answer(SYSTEM, messages, tools.SPECS)) as items:
            for item in items:
                turn.add(item)
                measure(item, generation)
                if not isinstance(item, End):
                    yield event_of(item)
        usage.update(turn.end.usage)
        if turn.end.stop_reason != "tool_use":
            yield done(turn.end.stop_reason, usage)
            return
        results = []
        for call in turn.calls:
            with generation.tool():
                output, is_error = use(call)
            yield sse.Event({"id": call.id, "output": output, "isError": is_error}, event="result")
            results.append(tool_result(call, output, is_error))
        messages = [*messages, turn.message(), {"role": "user", "content": results}]
    yield done("max_turns", usage)


def measure(item, generation):
    """Counts the model's tokens. It says at the end how many there were."""
    if isinstance(item, End):
        generation.tokens(item.usage.get("outputTokens", 0))
    elif not isinstance(item, Thinking):
        generation.tokens(0)


class Turn:
    """What the model has said in one call of it."""

    def __init__(self):
        self.content = []
        self.calls = []
        self.end = End("end_turn", {})

    def add(self, item):
        if isinstance(item, Text):
            if self.content and "text" in self.content[-1]:
                self.content[-1]["text"] += item.text
            else:
                self.content.append({"text": item.text})
        elif isinstance(item, ToolCall):
            self.calls.append(item)
            self.content.append({"toolUse": {"toolUseId": item.id, "name": item.name, "input": item.input or {}}})
        elif isinstance(item, End):
            self.end = item

    def message(self):
        """Returns the turn as a message of the conversation. Bedrock refuses blocks of blank text."""
        return {"role": "assistant", "content": [block for block in self.content if block.get("text", "x").strip()]}


def event_of(item):
    if isinstance(item, Text):
        return sse.Event({"text": item.text}, event="text")
    if isinstance(item, ToolCall):
        return sse.Event({"id": item.id, "name": item.name, "input": item.input}, event="tool")
    return sse.Event(comment="thinking")  # a stop and the deadline take effect between two events


def use(call):
    """Returns the output of a tool, and whether it is an error. The model gets both, and goes on."""
    try:
        return tools.call(call.name, call.input), False
    except tools.ToolError as error:
        return {"error": str(error)}, True


def tool_result(call, output, is_error):
    status = "error" if is_error else "success"
    return {"toolResult": {"toolUseId": call.id, "content": [{"json": output}], "status": status}}


def done(stop_reason, usage):
    return sse.Event({"stopReason": stop_reason, "usage": dict(usage)}, event="done")
