"""The Django project as an ASGI app."""

import django_views  # type: ignore[import-not-found]  # noqa: F401 - it makes the settings
from django.core.asgi import get_asgi_application

from lambda_streamify import asgi

app = get_asgi_application()
lambda_handler = asgi.handler(app)
