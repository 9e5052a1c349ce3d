"""One line of JSON in the log for each call of the model and of a tool, with OpenTelemetry's names.

CloudWatch Logs Insights finds the fields: filter `gen_ai.operation.name` = "chat" | stats
pct(`gen_ai.server.time_to_first_token`, 90). Times are in seconds. The names are those of OpenTelemetry's "Semantic
conventions for generative AI systems"; `tokens_per_second` is our own. Neither questions nor answers are logged.
"""

import json
from time import monotonic

from models import End, Text, ToolCall


class Telemetry:
    """Measures one run. `clock` returns seconds, and `write` gets each line."""

    def __init__(self, model, request_id, clock=monotonic, write=print):
        self._model = model
        self._request_id = request_id
        self._clock = clock
        self._write = write

    def model_call(self, items):
        """Passes the items of a model on, and logs the call when it ends, however it ends."""
        started, first, end, error = self._clock(), None, End("closed", {}), None
        try:
            for item in items:
                if first is None and isinstance(item, (Text, ToolCall)):
                    first = self._clock()
                if isinstance(item, End):
                    end = item
                yield item
        except Exception as failure:
            error = getattr(failure, "code", type(failure).__name__)
            raise
        finally:
            items.close()
            now, output = self._clock(), end.usage.get("outputTokens")
            rate = None if not output or first is None or now <= first else round(output / (now - first), 1)
            self._log(
                "chat",
                started,
                now,
                error,
                {
                    "gen_ai.response.finish_reasons": [end.stop_reason],
                    "gen_ai.server.time_to_first_token": None if first is None else round(first - started, 6),
                    "gen_ai.usage.input_tokens": end.usage.get("inputTokens"),
                    "gen_ai.usage.output_tokens": output,
                    "tokens_per_second": rate,
                },
            )

    def tool_call(self, call, use):
        """Returns what `use(call)` returns, and logs the call."""
        started, error = self._clock(), None
        try:
            output, is_error = use(call)
            error = "ToolError" if is_error else None
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            named = {"gen_ai.tool.name": call.name, "gen_ai.tool.call.id": call.id}
            self._log("execute_tool", started, self._clock(), error, named)
        return output, is_error

    def _log(self, operation, started, now, error, fields):
        record = {
            "type": "gen_ai",
            "request_id": self._request_id,
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": self._model.PROVIDER,
            "gen_ai.request.model": self._model.MODEL_ID,
            "gen_ai.client.operation.duration": round(now - started, 6),
            "error.type": error,
            **fields,
        }
        self._write(json.dumps({name: value for name, value in record.items() if value is not None}))
