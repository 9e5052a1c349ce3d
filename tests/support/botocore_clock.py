"""botocore's clock, which has no parameter: the time that its signatures carry."""

from datetime import datetime

import botocore.auth
import pytest


def botocore_now(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Let botocore sign at `now`."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)
