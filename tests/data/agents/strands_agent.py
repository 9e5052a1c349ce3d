from strands import Agent, tool
from strands.models import Model
from scripted_words import words


class Scripted(Model):
    def update_config(self, **_):
        pass

    def get_config(self):
        return {}

    def structured_output(self, *_, **__):
        raise NotImplementedError

    async def stream(self, messages, *_, **__):
        yield {"messageStart": {"role": "assistant"}}
        if len(messages) == 1:
            yield {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "call_1", "name": "weather"}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"city": "Brno"}'}}}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            async for word in words(messages[0]["content"][0]["text"]):
                yield {"contentBlockDelta": {"delta": {"text": word}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if len(messages) == 1 else "end_turn"}}
        usage = {"inputTokens": 1, "outputTokens": 3, "totalTokens": 4}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 1}}}


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def new_agent():
    return Agent(model=Scripted(), tools=[weather], callback_handler=None)
