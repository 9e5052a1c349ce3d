r"""A hook of MkDocs: a bar in a table's code.

GitHub ends a cell at it, so the pages write `\|` there. Python-Markdown does not, and would show the backslash.
"""

import re
from typing import Any

ROW = re.compile(r"^ *\|.*\|$", re.MULTILINE)
CODE = re.compile(r"`[^`]+`")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Write the bars in the code of tables without their backslashes."""
    return ROW.sub(lambda row: CODE.sub(lambda code: code[0].replace(r"\|", "|"), row[0]), markdown)
