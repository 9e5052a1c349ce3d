"""Raises one exception from another while it is imported."""

try:
    raise KeyError("first")
except KeyError as error:
    raise ValueError("second") from error
