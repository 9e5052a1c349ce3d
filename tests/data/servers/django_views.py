"""The streams in a Django project: plain ones for WSGI, async ones for ASGI."""

from typing import Any

from bodies import ASYNC, COOKIES, HEADERS, PLAIN  # type: ignore[import-not-found]  # beside this file, as in bodies.py
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[])


def page(_request: Any) -> Any:
    """Return a text whose length is known."""
    body = "the whole text\n"
    return HttpResponse(body, "text/plain; charset=utf-8", headers={"Content-Length": len(body)})


def stream(request: Any, case: str) -> Any:
    """Stream what the path names."""
    bodies = ASYNC if hasattr(request, "scope") else PLAIN
    response = StreamingHttpResponse(bodies[case](request.GET), status=201, headers=HEADERS)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


urlpatterns = [path("page", page), path("<case>", stream)]
