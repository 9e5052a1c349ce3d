"""docs/reference/handlers.md: after each example stands what its client receives, or what it prints."""

from itertools import pairwise
from typing import Any

import pytest
from markdown_it import MarkdownIt

from lambda_streamify.testing import Collected, call
from processes import ROOT
from request_events import event

PAGE = ROOT / "docs" / "reference" / "handlers.md"
FENCES = [token for token in MarkdownIt().parse(PAGE.read_text(encoding="utf-8")) if token.type == "fence"]
EXAMPLES = [
    (code.content, outcome.info, outcome.content) for code, outcome in pairwise(FENCES) if code.info == "python"
]


def as_http(response: Collected) -> str:
    """The response as the page shows it."""
    lines = [f"HTTP/1.1 {response.status_code}"]
    lines += sorted(f"{name}: {value}" for name, value in response.headers.items())
    lines += [f"set-cookie: {cookie}" for cookie in response.cookies]
    return "\n".join((*lines, "", response.text))


def test_the_page_has_examples() -> None:
    assert {outcome for _, outcome, _ in EXAMPLES} == {"http", "text"}


@pytest.mark.parametrize(("code", "kind", "outcome"), EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_what_stands_after_an_example_is_what_comes_of_it(
    code: str, kind: str, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example", "exec"), namespace)  # noqa: S102

    if kind == "http":
        assert as_http(call(namespace["lambda_handler"], event("function-url"))) == outcome
    else:
        assert capsys.readouterr().out == outcome
