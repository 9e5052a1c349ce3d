"""The models that the agent can ask, and the items that they yield.

A model is a module with `MAX_SILENCE`, the seconds that it may take before the next item, and `answer(system, messages,
tools)`, a generator of the items below. Messages and tools have the form of Bedrock's Converse API. The last item is
`End`, unless the generator raises `ModelError`.
"""

from typing import Any, NamedTuple


class Text(NamedTuple):
    """A piece of the answer."""

    text: str


class Thinking(NamedTuple):
    """Nothing to show yet. A stop and the deadline take effect between two items, so this is better than silence."""


class ToolCall(NamedTuple):
    """A tool that the model wants to be called. The input is None if the model has written no JSON object."""

    id: str
    name: str
    input: dict[str, Any] | None


class End(NamedTuple):
    """Why the model has ended, in Bedrock's words, and what it counted: inputTokens, outputTokens, totalTokens."""

    stop_reason: str
    usage: dict[str, int]


class ModelError(Exception):
    """The model has failed. The text is for the log: it may name accounts and resources.

    code     what has failed, such as ThrottlingException
    message  a text for the person who has asked
    retry    milliseconds after which another try makes sense, or None
    """

    def __init__(self, details, *, code, message, retry=None):
        super().__init__(details)
        self.code = code
        self.message = message
        self.retry = retry
