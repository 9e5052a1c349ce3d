import asyncio
import dataclasses

from bedrock_agentcore import BedrockAgentCoreApp
from bedrock_agentcore.runtime import BedrockAgentCoreContext

app = BedrockAgentCoreApp()


@dataclasses.dataclass
class Place:
    name: str


class Odd:
    def __str__(self):
        return "odd"


async def words(context):
    yield "žluť\n\u2028"
    await asyncio.sleep(0)
    yield {"session": context.session_id, "here": BedrockAgentCoreContext.get_session_id()}
    yield [1, 2.5, None, True, Place("Brno"), {1}, (2,), {"place": Place("Brno")}]
    yield Odd()
    yield float("inf")
    yield ""


def plain_words():
    yield "one"
    yield {"two": 2}


async def failing():
    yield "one"
    raise ValueError("the model is gone")


def failing_plainly():
    yield "one"
    raise KeyError("key")


@app.entrypoint
async def invoke(payload, context):
    case = payload["case"]
    if case == "words":
        return words(context)
    if case == "plain words":
        return plain_words()
    if case == "failing":
        return failing()
    if case == "failing plainly":
        return failing_plainly()
    if case == "headers":
        return {"headers": context.request_headers, "request": BedrockAgentCoreContext.get_request_id()}
    if case == "raises":
        raise ValueError("no answer")
    return payload.get("value")
