"""Middleware for Django, which imports it by its name."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def sync_only(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Add a header; knows no async, so that Django runs it in a thread."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Middleware"] = "seen"
        return response

    return middleware
