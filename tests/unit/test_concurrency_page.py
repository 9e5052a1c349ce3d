"""docs/guides/concurrency.md shows figures of benchmarks/concurrency-report.md."""

from benchmark_modules import FOLDER, benchmark
from processes import ROOT

TABLE = benchmark("concurrency_report").TABLE
PAGE = (ROOT / "docs" / "guides" / "concurrency.md").read_text()
REPORT = (FOLDER / "concurrency-report.md").read_text()


def test_its_table_is_the_reports() -> None:
    kept = TABLE.kept(REPORT) or TABLE.pending

    assert TABLE.kept(PAGE) == kept


def test_a_run_writes_into_the_page() -> None:
    written = TABLE.written_into(PAGE, ["| a |", "| --- |"])

    assert TABLE.kept(written) == "| a |\n| --- |"
