"""The model that the recipes ask: it repeats the prompt, word by word.

With "gate=HOST:PORT" as a word, it waits there after each word. "fail" fails; "tool" calls one; "forever" never ends,
and pauses after each word.
"""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from socket import create_connection
from time import sleep
from typing import Any

PAUSE_S = 0.05


def answer(prompt: str) -> Iterator[str]:
    words = prompt.split()
    gates = [word.removeprefix("gate=") for word in words if word.startswith("gate=")]
    wait = _gate(gates[0]) if gates else _pause if "forever" in words else lambda: None
    words = [word for word in words if not word.startswith("gate=")]
    for word in chain.from_iterable(repeat(words)) if "forever" in words else words:
        if word == "fail":
            raise ValueError("the model is gone")
        yield f"{word} "
        wait()


def deltas(messages: Any) -> Iterator[dict[str, Any]]:
    """The answer as deltas of OpenAI's chat completions; a prompt "tool" is answered with a call of one."""
    prompt = messages[-1]["content"]
    if prompt == "tool":
        called = {"name": "weather", "arguments": json.dumps({"city": "Brno"})}
        yield {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": called}]}
        return
    for word in answer(prompt):
        yield {"content": word}


def _pause() -> None:
    sleep(PAUSE_S)


def _gate(address: str) -> Any:
    host, port = address.rsplit(":", 1)
    connection = create_connection((host, int(port)), 30)

    def wait() -> None:
        connection.sendall(b"?")
        assert connection.recv(1) == b"!"

    return wait
