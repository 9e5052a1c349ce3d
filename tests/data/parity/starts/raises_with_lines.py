"""Raises a message of several lines while it is imported."""

raise RuntimeError("one\n  two\n")
