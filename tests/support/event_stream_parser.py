"""What a browser's EventSource makes of an event stream, after WHATWG HTML, sections 9.2.5 and 9.2.6, step by step."""

import re
from dataclasses import dataclass, field


@dataclass
class Message:
    """An event as a page sees it: its type, its data, and the last id known when it came."""

    type: str
    data: str
    last_event_id: str


@dataclass
class EventSource:
    """The state of one connection; `messages` and `comments` in the order of the stream."""

    messages: list[Message] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    reconnection_time: int | None = None  # milliseconds
    _data: str = ""
    _type: str = ""
    _id: str = ""

    def read(self, stream: bytes) -> "EventSource":
        """Interpret a whole stream. What follows the last blank line is dropped, as at the end of a connection."""
        text = stream.decode("utf-8").removeprefix("\ufeff")
        lines = re.split("\r\n|\r|\n", text)
        for line in lines[:-1]:  # what no line end follows is no line
            self._line(line)
        self._data = self._type = ""
        return self

    def _line(self, line: str) -> None:
        if line == "":
            self._dispatch()
        elif line.startswith(":"):
            self.comments.append(line[1:])
        else:
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.reconnection_time = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            self.messages.append(Message(self._type or "message", self._data.removesuffix("\n"), self.last_event_id))
        self._data = self._type = ""
