"""The dashboard on the Lambda API's port: its page, what it shows, and what its form sends.

It shows what functions answer and print, which may be hostile: the page puts it into the document as text, and a
Content-Security-Policy lets it run nothing but its own script. Source: W3C, "Content Security Policy Level 3".
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..template.urls import AWS_IAM
from ..web.iam import SCOPE, Iam
from ..web.sigv4 import sign
from .form import FormRefused, event_of, read_form, request_of
from .requests import ask_function, ask_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from ..recordings.recording import Event
    from ..sandboxes.pool import SandboxPool
    from ..urls.event import Request as UrlRequest
    from ..web.asgi import App, Message, Receive, Scope, Send
    from .activity import Activity

PREFIX = "/dashboard/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; img-src data:"  # the last for the page's empty icon
)
HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
PAGE = {
    "/": ("index.html", "text/html"),
    "style.css": ("style.css", "text/css"),
    **{name: (name, "text/javascript") for name in ("script.js", "timeline.js", "form.js")},
}
LOOK = 0.1  # seconds between looks at what has changed, for each page that is open
SHARE = 0.2  # of the emulator's time that a page may take for that
SILENCE = 15  # seconds, after which a comment tells a page, and what lies between, that the connection is in use


class ControlPort:
    """The ASGI application of the port: the dashboard at / and under its prefix, `api` everywhere else."""

    def __init__(self, api: App, dashboard: App) -> None:
        self._api = api
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_for_page = scope["path"] == "/" or scope["path"].startswith(PREFIX)
        await (self._dashboard if is_for_page else self._api)(scope, receive, send)


class Dashboard:
    """The dashboard's ASGI application.

    `pools`, addresses (`urls`) and applications of function URLs are by function name; `apis` gives the addresses of
    REST APIs by theirs.
    """

    def __init__(
        self,
        activity: Activity,
        pools: Mapping[str, SandboxPool],
        *,
        urls: Mapping[str, str],
        apps: Mapping[str, App],
        apis: Callable[[], Mapping[str, str]],
        iam: Iam,
    ) -> None:
        self._activity = activity
        self._pools = pools
        self._urls = urls
        self._apps = apps
        self._apis = apis
        self._iam = iam
        routes = [
            *(Route(path if path == "/" else PREFIX + path, _static(*file)) for path, file in PAGE.items()),
            Route(f"{PREFIX}functions", self.functions),
            Route(f"{PREFIX}changes", self.changes),
            Route(f"{PREFIX}functions/{{function}}/send", self.send, methods=["POST"]),
        ]
        self._app = Starlette(routes=routes, exception_handlers={FormRefused: _refused})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with what tells browsers to be careful."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in HEADERS]
            await send(message)

        await self._app(scope, receive, sending)

    async def functions(self, _: Request) -> Response:
        """What there is."""
        functions = [self._described(name, pool) for name, pool in self._pools.items()]
        apis = [{"name": name, "url": url} for name, url in self._apis().items()]
        return JSONResponse({"functions": functions, "apis": apis})

    async def changes(self, request: Request) -> Response:
        """All that is shown, then what changes, as server-sent events. A page that comes back gets what it missed."""
        run, _, version = request.headers.get("last-event-id", "").rpartition("-")
        seen = int(version) if run == self._activity.run and version.isdecimal() else 0
        return StreamingResponse(self._changes(seen), media_type="text/event-stream")

    async def _changes(self, seen: int) -> AsyncIterator[str]:
        silent, first = time.monotonic(), True
        while not self._activity.is_over:
            began = spent = time.monotonic()
            if first or self._activity.version > seen:
                changes = {"run": self._activity.run, "is_all": seen == 0, **self._activity.since(seen)}
                message = json.dumps(changes)
                seen, silent, first, spent = changes["version"], began, False, time.monotonic()
                yield f"id: {self._activity.run}-{seen}\ndata: {message}\n\n"
            elif began - silent > SILENCE:
                silent = began
                yield ":\n\n"
            await asyncio.sleep(max(LOOK, (spent - began) / SHARE))

    async def send(self, request: Request) -> Response:
        """Send what the form holds; the answer is a recording's events, each in a line, when they come."""
        name = request.path_params["function"]
        if name not in self._pools:
            raise FormRefused(404, f"there is no function {name}")
        # Only JSON, which a page from elsewhere cannot send without asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise FormRefused(415, "the content type is not application/json")
        form = await read_form(request.receive)
        if form.get("kind") == "event":
            events = ask_function(self._pools[name], event_of(form))
        elif name in self._apps:
            events = ask_url(self._apps[name], self._request(name, form))
        else:
            raise FormRefused(400, f"{name} has no URL: send it an event")
        return StreamingResponse(_lines(events), media_type="application/x-ndjson")

    def _described(self, name: str, pool: SandboxPool) -> dict[str, Any]:
        function = pool.function
        return {
            "name": name,
            "url": self._urls.get(name),
            "invoke_mode": function.invoke_mode,
            "auth_type": function.auth_type if name in self._urls else None,
            "runtime": function.runtime,
            "timeout": function.timeout,
            "memory": function.memory,
        }

    def _request(self, name: str, form: Mapping[str, Any]) -> UrlRequest:
        """The request to the function's URL; signed, if it has to be."""
        request = request_of(form, self._urls[name])
        signs = self._pools[name].function.auth_type == AWS_IAM
        if not signs or any(header.lower() == "authorization" for header, _ in request.headers):
            return request
        added = sign(request, self._iam.credentials, SCOPE, time.time())
        return replace(request, headers=[*request.headers, *added])


def _static(name: str, kind: str) -> Any:
    content = (files(__package__) / "page" / name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return serve


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, FormRefused)
    return JSONResponse({"message": str(refusal)}, refusal.status)


async def _lines(events: AsyncGenerator[Event, None]) -> AsyncIterator[str]:
    async with aclosing(events):  # at once, when nobody reads any more
        async for event in events:
            yield json.dumps(list(event)) + "\n"
