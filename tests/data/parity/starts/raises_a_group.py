"""Raises an exception group while it is imported."""

raise ExceptionGroup("several", [ValueError("a")])
