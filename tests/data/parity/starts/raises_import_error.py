"""Raises an ImportError of its own words."""

raise ImportError("this needs another machine")
