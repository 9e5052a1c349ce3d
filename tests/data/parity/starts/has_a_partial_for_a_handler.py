"""Has a partial function for a handler."""

import functools


def answer(greeting, event, context):
    return [greeting, event]


handler = functools.partial(answer, "hello")
