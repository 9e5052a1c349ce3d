"""The dashboard on the port of the Lambda API: serves its page, its data, and the requests of its form.

The page shows responses and logs of functions, which may be hostile. It therefore inserts them as text only, and a
Content-Security-Policy allows no script but its own. Source: W3C, "Content Security Policy Level 3".
"""

from __future__ import annotations

import asyncio
import json
import re
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
from ..web.signing import sign
from .form import FormRefused, event_of, read_form, request_of
from .requests import ask_function, ask_url, repeated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from ..activity.activity import Activity
    from ..activity.row import Row
    from ..recordings.recording import Event
    from ..sandboxes.pool import SandboxPool
    from ..web.asgi import App, Message, Receive, Scope, Send
    from ..web.request import Request as UrlRequest

PREFIX = "/dashboard/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; img-src data:"  # img-src is for the page's empty icon
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
    **{
        name: (name, "text/javascript")
        for name in ("script.js", "timeline.js", "form.js", "response.js", "list.js", "details.js", "logs.js")
    },
}
POLL_INTERVAL_S = 0.1  # between checks for changes, for each open page
TIME_FRACTION_LIMIT = 0.2  # of the emulator's time that one page may use
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")  # in the name of a file
KEEPALIVE_INTERVAL_S = 15  # after which a comment keeps an idle connection open


class ControlPort:
    """The ASGI application of the port. It serves the dashboard at / and below PREFIX, and `api` everywhere else."""

    def __init__(self, api: App, dashboard: App) -> None:
        self._api = api
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to one of the two."""
        is_for_page = scope["path"] == "/" or scope["path"].startswith(PREFIX)
        await (self._dashboard if is_for_page else self._api)(scope, receive, send)


class Dashboard:
    """The dashboard's ASGI application.

    `pools`, and the addresses (`urls`) and applications (`apps`) of function URLs, are by function name. `apis` returns
    the addresses of REST APIs by name.
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
            Route(f"{PREFIX}rows/{{number:int}}", self.details),
            Route(f"{PREFIX}rows/{{number:int}}/recording", self.recording),
            Route(f"{PREFIX}rows/{{number:int}}/send", self.send_again, methods=["POST"]),
            Route(f"{PREFIX}functions/{{function}}/send", self.send, methods=["POST"]),
        ]
        self._app = Starlette(routes=routes, exception_handlers={FormRefused: _refused})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and add the security headers to the response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def functions(self, _: Request) -> Response:
        """Return the functions and REST APIs."""
        functions = [self._described(name, pool) for name, pool in self._pools.items()]
        apis = [{"name": name, "url": url} for name, url in self._apis().items()]
        return JSONResponse({"functions": functions, "apis": apis})

    async def changes(self, request: Request) -> Response:
        """Stream the state, then its changes, as server-sent events; after a reconnect, only what the page missed."""
        run, _, version = request.headers.get("last-event-id", "").rpartition("-")
        seen = int(version) if run == self._activity.run and version.isdecimal() else 0
        return StreamingResponse(self._changes(seen), media_type="text/event-stream")

    async def _changes(self, seen: int) -> AsyncIterator[str]:
        last_sent, is_first = time.monotonic(), True
        while not self._activity.is_over:
            start = end = time.monotonic()
            if is_first or self._activity.version > seen:
                changes = {"run": self._activity.run, "is_all": seen == 0, **self._activity.since(seen)}
                message = json.dumps(changes)
                seen, last_sent, is_first, end = changes["version"], start, False, time.monotonic()
                yield f"id: {self._activity.run}-{seen}\ndata: {message}\n\n"
            elif start - last_sent > KEEPALIVE_INTERVAL_S:
                last_sent = start
                yield ":\n\n"
            await asyncio.sleep(max(POLL_INTERVAL_S, (end - start) / TIME_FRACTION_LIMIT))

    async def send(self, request: Request) -> Response:
        """Send the form's request or event; stream the response as the events of a recording, one per line."""
        name = request.path_params["function"]
        if name not in self._pools:
            raise FormRefused(404, f"there is no function {name}")
        _check_type(request)
        form = await read_form(request.receive)
        if form.get("kind") == "event":
            events = ask_function(self._pools[name], event_of(form))
        elif name in self._apps:
            events = ask_url(self._apps[name], self._request(name, form))
        else:
            raise FormRefused(400, f"{name} has no URL: send an event instead")
        return StreamingResponse(_lines(events), media_type="application/x-ndjson")

    async def details(self, request: Request) -> Response:
        """Return what an open row shows."""
        return JSONResponse(self._row(request).details())

    async def recording(self, request: Request) -> Response:
        """Return the response of a row as a recording, as a file to save."""
        row = self._row(request)
        text = row.recording()
        if text is None:
            raise FormRefused(
                409, "the response has not ended, or is too long to be kept: use streamify serve --record"
            )
        function = "" if row.invocation is None else row.invocation.function
        name = f"{_UNSAFE.sub('_', function)}-{row.number}.ndjson"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="application/x-ndjson", headers=headers)

    async def send_again(self, request: Request) -> Response:
        """Repeat the request or the event of a row; stream the response as `send` does."""
        row = self._row(request)
        _check_type(request)
        if not row.is_repeatable:
            raise FormRefused(409, "the request is too long to be kept: send it with the client once more")
        if row.exchange is not None:
            events = ask_url(row.exchange.front_end, repeated(row.exchange, self._iam))
        else:
            assert row.invocation is not None
            event = row.invocation.event or ""
            events = ask_function(self._pools[row.invocation.function], event.encode())
        return StreamingResponse(_lines(events), media_type="application/x-ndjson")

    def _row(self, request: Request) -> Row:
        row = self._activity.row(request.path_params["number"])
        if row is None:
            raise FormRefused(404, "the row is no longer kept")
        return row

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
        """Return the request to the function's URL, signed if the URL requires it."""
        request = request_of(form, self._urls[name])
        is_signed = self._pools[name].function.auth_type == AWS_IAM
        if not is_signed or any(header.lower() == "authorization" for header, _ in request.headers):
            return request
        added = sign(request, self._iam.credentials, SCOPE)
        return replace(request, headers=[*request.headers, *added])


def _static(name: str, kind: str) -> Any:
    content = (files(__package__) / "page" / name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return serve


def _check_type(request: Request) -> None:
    """Accept only JSON, because a page of another origin cannot send it without a preflight request."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise FormRefused(415, "the content type is not application/json")


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, FormRefused)
    return JSONResponse({"message": str(refusal)}, refusal.status)


async def _lines(events: AsyncGenerator[Event, None]) -> AsyncIterator[str]:
    async with aclosing(events):  # closes them as soon as the client disconnects
        async for event in events:
            yield json.dumps(list(event)) + "\n"
