"""The generated part of docs/reference/reliability.md: the fault matrix with the result of a run."""

from collections.abc import Iterable, Mapping

from fault_matrix import MATRIX, SEEN, Cell, Fault, FrontEnd, Outcome, Place
from processes import ROOT

PAGE = ROOT / "docs" / "reference" / "reliability.md"
BEGIN = "<!-- What follows is written by `make reliability`. -->\n"
END = "<!-- Here ends what is written by `make reliability`. -->\n"

PASSED, FAILED, NOT_RUN = "✓", "**failed**", "not run"
Results = Mapping[tuple[str, str], str]


def cells() -> Iterable[tuple[Fault, Place, Cell]]:
    """Return all cells that are run."""
    return ((fault, place, cell) for fault in MATRIX for place, cell in fault.cells.items() if isinstance(cell, Cell))


def key(fault: Fault, place: Place) -> tuple[str, str]:
    """Return by what the result of a cell is found."""
    return fault.name, place.value


def generated(results: Results, ran: str) -> str:
    """Return the part between the marks; `ran` says when and where."""
    passed = sum(result == PASSED for result in results.values())
    run = len(list(cells()))
    return "\n".join(
        [
            f"Last run: {ran}; {passed} of {run} cells passed.",
            "",
            "### What the clients see",
            "",
            *_table(
                ["front end", *(outcome.value for outcome in Outcome)],
                ([end.value, *(SEEN[outcome][end] for outcome in Outcome)] for end in FrontEnd),
            ),
            "",
            "### The matrix",
            "",
            *_table(
                ["fault", *(place.value for place in Place)],
                ([fault.name, *(_cell(fault, place, results) for place in Place)] for fault in MATRIX),
            ),
            "",
            "### What the log says",
            "",
            *_table(
                ["fault", "place", "a line of the log"],
                ([fault.name, place.value, _log(cell)] for fault, place, cell in cells() if cell.log),
            ),
            "",
        ]
    )


def replaced(page: str, part: str) -> str:
    """Return the page with this part between its marks."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n" + part + "\n" + END + rest.partition(END)[2]


def _cell(fault: Fault, place: Place, results: Results) -> str:
    cell = fault.cells[place]
    if isinstance(cell, str):
        return f"— {cell}"
    error = f" `{cell.error}`" if cell.error else ""
    process = "the same process" if cell.survives else "another process"
    read_on = "; streaming front ends" if len(cell.front_ends) < len(FrontEnd) else ""
    return f"{results.get(key(fault, place), NOT_RUN)} {cell.outcome.value}{error}, then {process}{read_on}"


def _log(cell: Cell) -> str:
    lines = [f"`{text.replace('{function}', 'NAME').replace('|', chr(92) + '|')}`" for text in cell.log]
    other = [
        f"`{text.replace('{function}', 'NAME').replace('|', chr(92) + '|')}` (buffered)" for text in cell.buffered_log
    ]
    return "; ".join(lines + other)


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(items: Iterable[str]) -> str:
    return f"| {' | '.join(items)} |"
