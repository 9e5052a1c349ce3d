"""A histogram of a stream's chunks over time, exact enough for a picture and of constant size.

Time is divided into slots of equal length. When a stream outlasts the last slot, each pair of slots becomes one, so at
least half of them cover the stream.
"""

SLOT_COUNT = 1024


class Histogram:
    """Counts chunks and bytes in each slot. A slot is `slot_us` microseconds long, and doubles as time goes on."""

    def __init__(self, slot_count: int = SLOT_COUNT) -> None:
        self.slot_us = 1
        self.counts: dict[int, tuple[int, int]] = {}
        """Chunks and bytes of each slot that is not empty, by the slot's number, in ascending order."""
        self._slot_count = slot_count

    def add(self, time: int, size: int) -> None:
        """Count a chunk of `size` bytes, `time` microseconds after the start. Times must not decrease."""
        while time // self.slot_us >= self._slot_count:
            self._double()
        number = time // self.slot_us
        chunks, total_size = self.counts.get(number, (0, 0))
        self.counts[number] = (chunks + 1, total_size + size)

    def columns(self, width: int, total: int) -> dict[int, int]:
        """Divide `total` microseconds into `width` columns; return the number of chunks in each that is not empty."""
        counts: dict[int, int] = {}
        for number, (chunks, _) in self.counts.items():
            column = column_of(number * self.slot_us, width, total)
            counts[column] = counts.get(column, 0) + chunks
        return counts

    def longest_gap(self) -> tuple[int, int]:
        """Return the start and the end of the longest gap, in microseconds."""
        gaps = ((before, after) for before, after in zip(self.counts, list(self.counts)[1:], strict=False))
        before, after = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0, 0))
        return before * self.slot_us, after * self.slot_us

    def _double(self) -> None:
        self.slot_us *= 2
        halves, self.counts = self.counts, {}
        for number, (chunks, size) in halves.items():
            other_chunks, other_size = self.counts.get(number // 2, (0, 0))
            self.counts[number // 2] = (other_chunks + chunks, other_size + size)


def column_of(time: int, width: int, total: int) -> int:
    """Return the number of the column that contains `time`."""
    return min(width - 1, time * width // max(1, total))
