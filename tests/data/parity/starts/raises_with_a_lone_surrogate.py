"""Raises a message that is no UTF-8 while it is imported."""

raise ValueError("\ud800")
