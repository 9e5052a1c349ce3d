from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from scripted_words import words

USAGE = {"input_tokens": 1, "output_tokens": 3, "total_tokens": 4}


class Scripted(BaseChatModel):
    _llm_type = "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    async def _astream(self, messages: Any, *_: Any, **__: Any) -> Any:
        if len(messages) == 1:
            call = tool_call_chunk(name="weather", args='{"city": "Brno"}', id="call_1", index=0)
            yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[call]))
            return
        async for word in words(messages[0].content):
            yield ChatGenerationChunk(message=AIMessageChunk(word))
        yield ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=USAGE))


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


agent = graph = create_agent(Scripted(), [weather])
