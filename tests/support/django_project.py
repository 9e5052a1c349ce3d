"""Django, whose settings are those of the process: made once, for whichever test comes first.

A test has URLs of its own within `urls`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.test import override_settings

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], ROOT_URLCONF=None, USE_TZ=True)
    django.setup()


class _Urls:
    """Looks like a module of URLs; each one is another key for Django's caches."""

    def __init__(self, patterns: list[Any]) -> None:
        self.urlpatterns = patterns


@contextmanager
def urls(*patterns: Any, **options: Any) -> Iterator[None]:
    """Let Django route by these patterns for the length of the block; `options` are further settings."""
    with override_settings(ROOT_URLCONF=_Urls(list(patterns)), **options):
        yield
