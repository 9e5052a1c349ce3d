from asyncio import sleep

from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html

PAUSE = 0.05  # seconds, which stand for a query
LIBRARIES = {"North": {"tea": 2, "toast": 1}, "South": {"soup": 3}, "West": {"tea": 1, "soup": 1}}


def index(request):
    return HttpResponse(format_html('<!doctype html><a href="{}?word=tea">Books about tea</a>\n', reverse("search")))


async def search(request):
    word = request.GET.get("word", "")
    if not word:
        return HttpResponseBadRequest("What are you looking for? Add ?word= to the address.\n", "text/plain")
    return StreamingHttpResponse(page(word))


# Async, since Django under ASGI reads a plain generator to its end before it sends anything.
async def page(word):
    yield format_html("<!doctype html><title>{0}</title><h1>Books about {0}</h1><ul>\n", word)
    for library, books in LIBRARIES.items():
        await sleep(PAUSE)
        yield format_html("<li>{}: {}\n", library, books.get(word, 0))
    yield "</ul>\n"
