"""A table that a run writes into a page of the documentation, between two marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class WrittenTable(NamedTuple):
    """What `command` writes."""

    command: str

    @property
    def begin(self) -> str:
        """The mark before it."""
        return f"<!-- What follows is written by `{self.command}`. -->"

    @property
    def end(self) -> str:
        """The mark after it."""
        return f"<!-- Here ends what is written by `{self.command}`. -->"

    @property
    def pending(self) -> str:
        """What stands between the marks before the first run that is kept."""
        return f"No run on a quiet machine is kept yet: `{self.command}` writes the table here."

    def marked(self, lines: Sequence[str]) -> list[str]:
        """The lines with the marks around them."""
        return [self.begin, "", *lines, "", self.end]

    def kept(self, page: str) -> str:
        """What stands between the marks of a page; empty if it has none."""
        return page.partition(self.begin)[2].partition(self.end)[0].strip() if self.begin in page else ""

    def written_into(self, page: str, lines: Sequence[str]) -> str:
        """The page with these lines between its marks."""
        if self.begin not in page or self.end not in page:
            raise ValueError(f"there is no place for the table: {self.begin} and {self.end}")
        before, _, rest = page.partition(self.begin)
        _, _, after = rest.partition(self.end)
        return f"{before}{chr(10).join(self.marked(lines))}{after}"
