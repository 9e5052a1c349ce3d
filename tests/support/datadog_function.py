"""The function of docs/guides/observability/datadog.md that sends the records of its streams to Datadog."""

from pathlib import Path

from documents import blocks
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "observability" / "datadog.md"
FLUSH = "    flush_stats()\n"
# A test can have it fail.
APP = """
from recipe import streaming

@streaming
def lambda_handler(event, context):
    if event.get("fail") == "at once":
        raise ValueError("at once")
    yield "one"
    yield "two"
    if event.get("fail") == "midway" or event.get("rawPath") == "/fail":
        raise ValueError("midway")
"""


def write_function(folder: Path, *, flushes: bool = True) -> None:
    """Write the code of the function, whose handler is `app.lambda_handler`; without its flush if not `flushes`."""
    (recipe,) = (block for block in blocks(PAGE, "py") if "lambda_metric" in block)
    assert FLUSH in recipe
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.py").write_text(recipe if flushes else recipe.replace(FLUSH, ""))
    (folder / "app.py").write_text(APP)
