"""The Django project as a WSGI app."""

import django_views  # type: ignore[import-not-found]  # noqa: F401 - it makes the settings
from django.core.wsgi import get_wsgi_application

from lambda_streamify import wsgi

app = get_wsgi_application()
lambda_handler = wsgi.handler(app)
