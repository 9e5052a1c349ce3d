"""docs/guides/observability.md: what the examples about metrics, models and tools log."""

import json
from typing import Any

import pytest

from documents import blocks
from invoking import FUNCTION_URL, invoke
from own_hooks import without_hooks
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "observability.md"
(LOGGED,) = [block for block in blocks(PAGE, "python") if "generation.tool()" in block]
RECORD, GENERATION = [block for block in blocks(PAGE, "python") if "_aws" in block]


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no example's hooks outlive it in this process."""
    without_hooks(monkeypatch)


def logged(code: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the line that the example logs after one stream."""
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec"), namespace)  # noqa: S102
    invoke(namespace["lambda_handler"], FUNCTION_URL)
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_the_log_line_has_the_fields_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    line = logged(LOGGED, capsys)

    rows = [row.split(" | ") for row in PAGE.read_text().splitlines() if row.startswith("| `gen_ai.")]
    assert len(rows) == 4
    assert [row[0] for row in rows if row[0].strip("|` ") not in line] == []
    assert line["gen_ai.client.inference.usage.output_tokens"] == 2
    assert line["tokens_per_second"] > 0


@pytest.mark.parametrize(
    ("code", "metric"), [(RECORD, "time_to_first_byte"), (GENERATION, "gen_ai.client.inference.time_to_first_chunk")]
)
def test_the_embedded_metrics_name_members_of_the_line(
    code: str, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = logged(code, capsys)

    (described,) = line["_aws"]["CloudWatchMetrics"]
    names = [metric["Name"] for metric in described["Metrics"]]
    assert metric in names
    assert [name for name in names if not isinstance(line[name], (int, float))] == []
    assert [line[name] for dimensions in described["Dimensions"] for name in dimensions] == ["complete"]
    assert isinstance(line["_aws"]["Timestamp"], int)


def test_the_embedded_metrics_of_a_record_are_all_its_numbers_with_units(capsys: pytest.CaptureFixture[str]) -> None:
    line = logged(RECORD, capsys)

    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert line["type"] == "stream"
    assert {metric["Name"] for metric in described["Metrics"]} == {
        name for name, value in line.items() if isinstance(value, (int, float))
    }
    assert {metric["Unit"] for metric in described["Metrics"]} == {"Seconds", "Count", "Bytes"}
