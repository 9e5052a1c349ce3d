from scripted_words import words

from pydantic_ai import Agent
from pydantic_ai.messages import UserPromptPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel


async def scripted(messages, info):
    if len(messages) == 1:
        yield {0: DeltaToolCall("weather", '{"city": "Brno"}', tool_call_id="call_1")}
        return
    (prompt,) = [part.content for part in messages[0].parts if isinstance(part, UserPromptPart)]
    async for word in words(prompt):
        yield word


agent = Agent(FunctionModel(stream_function=scripted))


@agent.tool_plain
def weather(city: str) -> str:
    return f"sunny in {city}"
