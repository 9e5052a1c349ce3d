"""Hooks of the layer that end with a test: a handler's module registers them in this process."""

import pytest

from lambda_streamify._core import current

KINDS = ("startup", "shutdown", "before_handler", "after_response")


def without_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without hooks; those that are registered from now on are gone when `monkeypatch` is undone."""
    for kind in KINDS:
        monkeypatch.setattr(current, kind, [])
    monkeypatch.setattr(current, "stream_factory", None)
