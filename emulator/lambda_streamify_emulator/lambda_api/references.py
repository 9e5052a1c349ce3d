"""References to a function in the Lambda API: its name, or a partial or full ARN, with an optional version or alias.

Sources: the patterns and lengths in botocore's model of the API (FunctionName and Qualifier of Invoke); for AWS's
messages, LocalStack's tests of 2023 and 2024, which were recorded on AWS.
"""

import re
from typing import NamedTuple

_NAME = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_QUALIFIER = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
_NAME_LENGTH_LIMIT, _QUALIFIER_LENGTH_LIMIT = 256, 128


class InvalidReferenceError(ValueError):
    """The name or the qualifier is not valid."""


class MismatchedQualifierError(ValueError):
    """The name contains one qualifier, and the parameter Qualifier is another."""


class Reference(NamedTuple):
    """A function's name, and the version or alias that the caller named, if any."""

    name: str
    qualifier: str | None = None


def read_reference(text: str, qualifier: str | None = None) -> Reference:
    """Return the reference in `text` and in the parameter Qualifier.

    Raises InvalidReferenceError or MismatchedQualifierError.
    """
    problems = _problems("functionName", text, _NAME, _NAME_LENGTH_LIMIT)
    if qualifier is not None:
        problems += _problems("qualifier", qualifier, _QUALIFIER, _QUALIFIER_LENGTH_LIMIT)
    if problems:
        count = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
        raise InvalidReferenceError(f"{count} detected: {'; '.join(problems)}")
    reference = split(text)
    if qualifier and reference.qualifier and qualifier != reference.qualifier:
        raise MismatchedQualifierError(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return Reference(reference.name, reference.qualifier or qualifier)


def split(text: str) -> Reference:
    """Split a valid reference into name and qualifier."""
    parts = text.split(":")
    if "function" in parts[1:-1]:  # not first or last: a function may have that name
        parts = parts[parts.index("function", 1) + 1 :]
    return Reference(parts[0], parts[1] if len(parts) > 1 else None)


def _problems(member: str, value: str, pattern: str, length_limit: int) -> list[str]:
    constraints = []
    if len(value) > length_limit:
        constraints.append(f"Member must have length less than or equal to {length_limit}")
    if not re.fullmatch(pattern, value, re.ASCII):
        constraints.append(f"Member must satisfy regular expression pattern: {pattern}")
    return [f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}" for constraint in constraints]
