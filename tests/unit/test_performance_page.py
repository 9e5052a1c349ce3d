"""docs/explanation/performance.md shows figures of benchmarks/report.md, and of nothing else."""

import pytest

from benchmark_modules import FOLDER, benchmark
from processes import ROOT

TABLE = benchmark("adapter_report").TABLE
PAGE = (ROOT / "docs" / "explanation" / "performance.md").read_text()
REPORT = (FOLDER / "report.md").read_text()


def test_its_table_is_the_reports() -> None:
    kept = TABLE.kept(REPORT) or TABLE.pending

    assert TABLE.kept(PAGE) == kept


def test_a_new_table_takes_the_place_of_the_former_and_of_nothing_else() -> None:
    lines = ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    written = TABLE.written_into(PAGE, lines)

    assert TABLE.kept(written) == "\n".join(lines)
    assert TABLE.written_into(written, [TABLE.kept(PAGE)]) == PAGE


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        TABLE.written_into("# Performance\n", ["| a |"])
