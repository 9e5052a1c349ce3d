"""A Django project in one file, whose stream waits at a gate, and so does what it does after its response."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse
from gates import Gate  # type: ignore[import-not-found]  # beside this file, where Lambda runs it

from lambda_streamify import wsgi

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[])
waiting: list[Gate] = []


def gated(request: Any) -> Any:
    """Stream three chunks."""
    gate = Gate(request.GET["gate"])
    waiting.append(gate)

    def chunks() -> Iterator[str]:
        for number in range(3):
            yield f"chunk {number}\n"
            gate.wait()

    response = StreamingHttpResponse(chunks(), status=201, content_type="text/event-stream")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def finished(**_: Any) -> None:
    """Do what is to be done after the response."""
    while waiting:
        waiting.pop().wait()


def upload(request: Any) -> Any:
    """Lead to the page of what was uploaded."""
    digest = hashlib.sha256(request.FILES["file"].read()).hexdigest()
    return HttpResponseRedirect(reverse("uploaded", args=(digest,), query={"name": request.POST["name"]}))


def uploaded(request: Any, digest: str) -> Any:
    """Show what was uploaded."""
    return HttpResponse(f"{request.GET['name']}: {digest}")


def broken(_request: Any) -> Any:
    """Fail midway."""

    def chunks() -> Iterator[str]:
        yield "good\n"
        raise ValueError("midway")

    return StreamingHttpResponse(chunks())


urlpatterns = [
    path("gated", gated),
    path("upload", upload),
    path("uploaded/<digest>", uploaded, name="uploaded"),
    path("broken", broken),
]
request_finished.connect(finished)
handler = wsgi.handler(get_wsgi_application())
