"""docs/explanation/performance.md shows figures of benchmarks/report.md, and of nothing else."""

import pytest

from benchmark_modules import FOLDER, benchmark
from processes import ROOT

adapter_report = benchmark("adapter_report")
PAGE = (ROOT / "docs" / "explanation" / "performance.md").read_text()
REPORT = (FOLDER / "report.md").read_text()


def test_its_table_is_the_reports() -> None:
    kept = adapter_report.kept_table(REPORT) or adapter_report.PENDING

    assert adapter_report.kept_table(PAGE) == kept


def test_a_new_table_takes_the_place_of_the_former_and_of_nothing_else() -> None:
    lines = ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    written = adapter_report.with_table(PAGE, lines)

    assert adapter_report.kept_table(written) == "\n".join(lines)
    assert adapter_report.with_table(written, [adapter_report.kept_table(PAGE)]) == PAGE


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        adapter_report.with_table("# Performance\n", ["| a |"])
