from agents import Agent, Usage, function_tool, set_tracing_disabled
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from openai.types.responses import ResponseTextDeltaEvent
from scripted_words import words

set_tracing_disabled(True)
USAGE = Usage(requests=1, input_tokens=1, output_tokens=3, total_tokens=4)


class Scripted(ScriptedModel):
    """Calls the tool first; then its one delta of text becomes one for each word."""

    async def stream_response(self, system_instructions, input, *arguments, **options):
        prompt = input if isinstance(input, str) else input[0]["content"]
        if isinstance(input, str) or len(input) == 1:
            self.enqueue([function_call("weather", {"city": "Brno"}, call_id="call_1")])
        else:
            self.enqueue(ModelStep([assistant_message(prompt)], usage=USAGE))
        async for event in super().stream_response(system_instructions, input, *arguments, **options):
            if isinstance(event, ResponseTextDeltaEvent):
                async for word in words(prompt):
                    yield event.model_copy(update={"delta": word})
            else:
                yield event


@function_tool
def weather(city: str) -> str:
    return f"sunny in {city}"


agent = Agent(name="agent", model=Scripted(), tools=[weather])
