"""Raises a message beyond Latin-1 while it is imported."""

raise ValueError("中")
