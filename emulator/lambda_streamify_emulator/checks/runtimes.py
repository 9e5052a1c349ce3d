"""Runtimes that AWS does not have, or not for long, and what a function cannot have together with a URL."""

from collections.abc import Iterator
from difflib import get_close_matches

from .finding import ERROR, WARNING, Finding, Rule
from .functions import CheckedFunction
from .project import Project
from .values import mapping_or_empty

# AWS Lambda Developer Guide, "Lambda runtimes", in November 2026; python3.15 is in the API's model (botocore 1.43.127).
SUPPORTED = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15")
_DEPRECATED = "python3.10"
# How alike a runtime must be to one of Python's to be taken for it, from 0 to 1 (difflib).
_ALIKE = 0.8

DEPRECATED = Rule(
    "deprecated-runtime",
    WARNING,
    "The `Runtime` is deprecated, and AWS takes no new functions with it from 2026-11-30.",
)
UNKNOWN = Rule("unknown-runtime", ERROR, "AWS has no such Python `Runtime`.")
TENANT_URL = Rule("tenant-url", ERROR, "A function with tenant isolation (`TenancyConfig`) has a URL.")
RULES = (DEPRECATED, UNKNOWN, TENANT_URL)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        place = project.place(function.id, "Runtime")
        if function.runtime == _DEPRECATED:
            yield DEPRECATED.found(
                place,
                function.id,
                f"{_DEPRECATED} is deprecated since 2026-10-31, and AWS takes no new functions with it from 2026-11-30",
                "Runtime: python3.13",
            )
        elif _is_unknown_python(function):
            near = get_close_matches(str(function.runtime), SUPPORTED[1:-1], 1, 0.0)[0]
            yield UNKNOWN.found(
                place,
                function.id,
                f"Runtime is {function.runtime}; AWS has {SUPPORTED[0]} to {SUPPORTED[-1]}",
                f"Runtime: {near}",
            )
        if mapping_or_empty(function.properties.get("TenancyConfig")):
            for url in function.urls:
                yield TENANT_URL.found(
                    project.place(url.resource, *url.keys),
                    function.id,
                    "it has a TenancyConfig and a URL: functions with tenant isolation cannot have URLs",
                    "no URL, or no TenancyConfig",
                )


def _is_unknown_python(function: CheckedFunction) -> bool:
    runtime = function.runtime
    if not isinstance(runtime, str) or runtime in SUPPORTED:
        return False
    return runtime.lower().startswith("python") or bool(get_close_matches(runtime.lower(), SUPPORTED, 1, _ALIKE))
