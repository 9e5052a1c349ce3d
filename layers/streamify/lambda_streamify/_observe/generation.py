"""What a model and its tools did for one stream.

The names are OpenTelemetry's semantic conventions for generative AI, v0.1.0 (repository semantic-conventions-genai,
docs/gen-ai/client-inference.md and gen-ai-metrics.md, status "Development"). Before that, up to v1.41.0 of the general
conventions, the first two were `gen_ai.client.operation.time_to_first_chunk` and `gen_ai.client.token.usage`.
"""

from contextlib import contextmanager
from threading import Lock

from ..errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIME_TO_FIRST_TOKEN = "gen_ai.client.inference.time_to_first_chunk"  # noqa: S105 - no password
OUTPUT_TOKENS = "gen_ai.client.inference.usage.output_tokens"
TOOL_TIME = "gen_ai.execute_tool.duration"
DURATION = "gen_ai.invoke_agent.duration"
TOKENS_PER_SECOND = "tokens_per_second"  # the conventions have no rate


class Generation:
    """The figures of one generation: one or more calls of a model, and the tools between them.

    `clock` returns seconds.
    """

    __slots__ = ("_began", "_clock", "_ended", "_first", "_last", "_lock", "_running", "_tool_began", "_tool_time")

    def __init__(self, clock: "Callable[[], float]") -> None:
        self._clock = clock
        self._began = self._ended = clock()
        # Of the first and the last call of `tokens`: its time, the tokens so far, and the time in tools so far.
        self._first: tuple[float, int, float] | None = None
        self._last: tuple[float, int, float] | None = None
        self._lock = Lock()  # frameworks run tools in threads
        self._running = 0  # tools
        self._tool_began = 0.0  # if one runs: the start of the first of those that run at the same time
        self._tool_time: float | None = None

    def tokens(self, count: int = 1) -> None:
        """Take note that the model has sent `count` tokens.

        0 takes note of output whose tokens the model counts later, such as in its last event.

        Raises HandlerError for a count that is not an int of 0 or more.
        """
        if type(count) is not int or count < 0:
            raise HandlerError(f"tokens: count is {count!r}; it must be the number of new tokens, an int of 0 or more")
        with self._lock:
            now = self._ended = self._clock()
            self._last = (now, self.output_tokens + count, self._time_in_tools(now))
            if self._first is None:
                self._first = self._last

    @contextmanager
    def tool(self) -> "Iterator[None]":
        """Return a context manager that is entered while a tool runs: `with generation.tool(): ...`."""
        with self._lock:
            if not self._running:
                self._tool_began = self._clock()
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._ended = self._clock()
                self._running -= 1
                if not self._running:
                    self._tool_time = (self._tool_time or 0.0) + self._ended - self._tool_began

    @property
    def output_tokens(self) -> int:
        """The number of tokens that `tokens` has counted."""
        return 0 if self._last is None else self._last[1]

    @property
    def time_to_first_token(self) -> "float | None":
        """Seconds from the start to the first call of `tokens`; None before it."""
        return None if self._first is None else self._first[0] - self._began

    @property
    def tokens_per_second(self) -> "float | None":
        """The rate after the first call of `tokens`; None if no time has passed since then.

        It counts the tokens after that call, and the seconds from it to the last call in which no tool ran.
        """
        if self._first is None or self._last is None:
            return None
        time, tokens, in_tools = (last - first for first, last in zip(self._first, self._last, strict=True))
        return tokens / (time - in_tools) if time > in_tools else None

    @property
    def tool_time(self) -> "float | None":
        """Seconds in which one tool or more ran; None if no tool has ended."""
        return self._tool_time

    @property
    def duration(self) -> float:
        """Seconds from the start to the last token, or to the end of the last tool."""
        return self._ended - self._began

    def as_dict(self) -> "dict[str, int | float]":
        """Return what is known, by OpenTelemetry's names where it has one, with six decimal places."""
        figures = {
            TIME_TO_FIRST_TOKEN: self.time_to_first_token,
            OUTPUT_TOKENS: None if self._first is None else self.output_tokens,
            TOKENS_PER_SECOND: self.tokens_per_second,
            TOOL_TIME: self.tool_time,
            DURATION: self.duration,
        }
        return {name: round(figure, 6) for name, figure in figures.items() if figure is not None}

    def _time_in_tools(self, now: float) -> float:
        return (self._tool_time or 0.0) + (now - self._tool_began if self._running else 0.0)
