"""What docs/guides/sam-local.md says that `sam local invoke` prints, it prints."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from processes import ROOT
from sam_local import SamLocal

FENCES = [
    (token.info.strip(), token.content)
    for token in MarkdownIt().parse((ROOT / "docs" / "guides" / "sam-local.md").read_text())
    if token.type == "fence"
]
COMMAND = "$ sam local invoke "
# Each command of the page with the output that follows it.
INVOKED = [
    (text.removeprefix(COMMAND).strip(), output)
    for (_, text), (kind, output) in pairwise(FENCES)
    if text.startswith(COMMAND) and kind == "text"
]
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_the_page_shows_an_event_a_direct_call_and_variables() -> None:
    assert [command.partition(" ")[2].partition(" ")[0] for command, _ in INVOKED] == ["--event", "", "--env-vars"]


@pytest.mark.parametrize(("command", "output"), INVOKED)
def test_a_command_prints_what_the_page_shows(
    command: str, output: str, sam_local: SamLocal, build: Path, tmp_path: Path
) -> None:
    variables = tmp_path / "without.json"
    variables.write_text(json.dumps({"HelloFunction": {"AWS_LAMBDA_EXEC_WRAPPER": ""}}))
    function, *options = shlex.split(command.replace("without.json", str(variables)))
    event: object = {}
    if options and options[0] == "--event":
        event, options = json.loads((ROOT / options[1]).read_text()), options[2:]

    response = sam_local.invoke(build / "template.yaml", function, event, *options).response

    assert REQUEST_ID.sub("", response).strip() == REQUEST_ID.sub("", output).strip()
