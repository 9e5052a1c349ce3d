"""Sandboxes: the processes that functions run in, and what they find around them."""
