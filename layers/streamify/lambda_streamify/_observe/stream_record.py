"""What is known of a stream that has ended."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .generation import Generation


class StreamRecord:
    """One stream that has ended. Times are in seconds (float), from a monotonic clock.

    request_id          the request id of the invocation
    outcome             "complete": the whole response was sent, and Lambda accepted it
                        "error": the function failed after the first byte, and the error was sent to Lambda
                        "refused": Lambda refused the response, at once or later
                        "lost": the connection to Lambda broke, or was closed before Lambda answered
    error_type          the error type that was sent to Lambda, such as "Function.ValueError"; "RequestRefused" or
                        "ConnectionLost"; else None
    time_to_first_byte  from the arrival of the invocation until status and headers are sent: with the first chunk, or
                        before it if the response is eager
    duration            from the arrival of the invocation until Lambda's answer after the end of the stream
    chunks              the number of chunks written, including those of `keepalive`
    bytes               their size in bytes, without status, headers and HTTP's framing
    largest_gap         the longest time in which the function had nothing to write, between the first byte and the end
    blocked             the total time in which a write waited because the client read more slowly
    generation          the Generation of this stream, if the function called `observe.generation`; else None

    A gap does not include the time in which a write waits; in an event loop, other tasks run during that time. `chunks`
    and `bytes` count what was passed to the connection. Unless the outcome is "complete", not all may have arrived.
    """

    __slots__ = (
        "request_id",
        "outcome",
        "error_type",
        "time_to_first_byte",
        "duration",
        "chunks",
        "bytes",
        "largest_gap",
        "blocked",
        "generation",
    )

    def __init__(
        self,
        *,
        request_id: str,
        outcome: str,
        error_type: "str | None",
        time_to_first_byte: float,
        duration: float,
        chunks: int,
        bytes: int,  # noqa: A002 - the name of the record's field
        largest_gap: float,
        blocked: float,
        generation: "Generation | None" = None,
    ) -> None:
        self.request_id = request_id
        self.outcome = outcome
        self.error_type = error_type
        self.time_to_first_byte = time_to_first_byte
        self.duration = duration
        self.chunks = chunks
        self.bytes = bytes
        self.largest_gap = largest_gap
        self.blocked = blocked
        self.generation = generation

    def as_dict(self) -> "dict[str, str | int | float | None]":
        """Return all fields by name, with times rounded to microseconds. `generation` is replaced by its figures."""
        values = ((name, getattr(self, name)) for name in self.__slots__ if name != "generation")
        fields = {name: round(value, 6) if isinstance(value, float) else value for name, value in values}
        return fields if self.generation is None else {**fields, **self.generation.as_dict()}

    def __repr__(self) -> str:
        return f"StreamRecord({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"
