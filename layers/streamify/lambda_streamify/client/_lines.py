"""Lines out of bytes, without input or output. A line ends with LF or CR LF."""


class LineParser:
    """Takes the bytes of a stream as they come, and gives each line, without its line end, as soon as it is whole."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """The line that is incomplete."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> "list[bytes]":
        """The lines that `data` completes."""
        *complete, rest = data.split(b"\n")
        if complete:
            complete[0] = b"".join([*self._parts, complete[0]])
            self._parts = []
        if rest:
            self._parts.append(rest)
        return [line.removesuffix(b"\r") for line in complete]

    def end(self) -> "list[bytes]":
        """The last line, if it has no line end."""
        rest, self._parts = self.rest, []
        return [rest.removesuffix(b"\r")] if rest else []


class TextLineParser:
    """The same, as text. The lines are UTF-8."""

    def __init__(self) -> None:
        self._lines = LineParser()

    @property
    def rest(self) -> bytes:
        """The line that is incomplete."""
        return self._lines.rest

    def feed(self, data: bytes) -> "list[str]":
        """The lines that `data` completes."""
        return [line.decode("utf-8") for line in self._lines.feed(data)]

    def end(self) -> "list[str]":
        """The last line, if it has no line end."""
        return [line.decode("utf-8") for line in self._lines.end()]

    def cut(self) -> "list[str]":
        """The last line, which is incomplete and may end within a character."""
        return [line.decode("utf-8", "replace") for line in self._lines.end()]
