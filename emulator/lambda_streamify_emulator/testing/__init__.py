"""The fixtures of the pytest plugin, and what they give to tests."""
