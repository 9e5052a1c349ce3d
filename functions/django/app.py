"""A Django project in a function: a page that shows each result as soon as it is found.

settings.py, urls.py and views.py are a project like any other; `application` runs under any server. Only the last line
is specific to Lambda.
"""

import os

from django.core.asgi import get_asgi_application

from lambda_streamify import asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_asgi_application()
lambda_handler = asgi.handler(application)
