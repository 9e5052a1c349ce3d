"""Where in time the chunks of a stream lie: as exact as a picture needs, in little memory, however many there are.

Time is cut into slots of one length. When a stream outlasts them, each two become one, so that about half of them are
always in use.
"""

SLOTS = 1024


class Marks:
    """Counts chunks and bytes by slot. `slot` is the length of one, in microseconds; it doubles as time goes on."""

    def __init__(self, slots: int = SLOTS) -> None:
        self.slot = 1
        self.counts: dict[int, tuple[int, int]] = {}
        """Chunks and bytes of each slot that has any, in the order of time."""
        self._slots = slots

    def add(self, time: int, size: int) -> None:
        """A chunk of `size` bytes has come, `time` microseconds after the beginning; never earlier than the last."""
        while time // self.slot >= self._slots:
            self._double()
        number = time // self.slot
        chunks, held = self.counts.get(number, (0, 0))
        self.counts[number] = (chunks + 1, held + size)

    def columns(self, width: int, total: int) -> dict[int, int]:
        """The chunks in each of `width` columns, which share `total` microseconds; columns without any are left out."""
        counts: dict[int, int] = {}
        for number, (chunks, _) in self.counts.items():
            column = column_of(number * self.slot, width, total)
            counts[column] = counts.get(column, 0) + chunks
        return counts

    def longest_gap(self) -> tuple[int, int]:
        """When it began and ended, in microseconds."""
        gaps = ((before, after) for before, after in zip(self.counts, list(self.counts)[1:], strict=False))
        before, after = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0, 0))
        return before * self.slot, after * self.slot

    def _double(self) -> None:
        self.slot *= 2
        halves, self.counts = self.counts, {}
        for number, (chunks, size) in halves.items():
            before, held = self.counts.get(number // 2, (0, 0))
            self.counts[number // 2] = (before + chunks, held + size)


def column_of(time: int, width: int, total: int) -> int:
    """The column that `time` lies in."""
    return min(width - 1, time * width // max(1, total))
