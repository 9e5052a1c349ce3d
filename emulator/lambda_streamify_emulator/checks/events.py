"""The word for streaming, which SAM and API Gateway spell differently and each ignores in the other's spelling."""

from collections.abc import Iterator

from .finding import ERROR, Finding, Rule
from .project import Project
from .routes import BUFFERED, SAM
from .values import is_unresolved

SAM_WORD = Rule(
    "sam-transfer-mode", ERROR, "`ResponseTransferMode` of a SAM event is neither `RESPONSE_STREAM` nor `BUFFERED`."
)
API_WORD = Rule(
    "api-transfer-mode",
    ERROR,
    "`responseTransferMode` of an OpenAPI integration or an API's method is neither `STREAM` nor `BUFFERED`.",
)
RULES = (SAM_WORD, API_WORD)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for route in project.routes:
        form = route.form
        if route.mode in (BUFFERED, form.streaming) or is_unresolved(route.mode):
            continue
        rule = SAM_WORD if form is SAM else API_WORD
        effect = "SAM ignores it, and the response is buffered" if form is SAM else "API Gateway has no such word"
        yield rule.found(
            route.place(form.mode_key),
            route.owner,
            f"{route.label}: {form.mode_key} is {route.mode} in {form.name}: {effect}",
            f"{form.mode_key}: {form.streaming}",
        )
