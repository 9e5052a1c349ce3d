"""The words that the scripted models of the frameworks answer with, and the gate that they wait at after each one.

"gate=HOST:PORT" is the gate, "fail" fails, "hang" never goes on.
"""

import asyncio
from collections.abc import AsyncIterator


async def words(prompt: str) -> AsyncIterator[str]:
    reader = writer = None
    for word in prompt.split():
        if word == "fail":
            raise ValueError("the model is gone")
        if word == "hang":
            await asyncio.sleep(3600)
        if word.startswith("gate="):
            host, port = word.removeprefix("gate=").rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port))
            continue
        yield f"{word} "
        if reader is not None and writer is not None:
            writer.write(b"?")
            assert await reader.read(1) == b"!"
    if writer is not None:
        writer.close()
