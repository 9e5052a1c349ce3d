"""The emulator: serves a template's functions through their URLs, the REST APIs and the Lambda API."""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import TYPE_CHECKING

from .errors import AddressError, TemplateError
from .function_pools import FunctionPools
from .http_apis.http_api import HttpApi
from .lambda_api.server import lambda_api
from .processes.reaper import Reaper
from .rest_apis.rest_api import RestApi
from .sandboxes.own_environment import hide
from .sandboxes.pool import SandboxPool
from .sandboxes.runtimes import not_served
from .settings import DEFAULTS, Settings
from .template.apis import HTTP, REST, WEBSOCKET, Api
from .template.reader import Function, Template
from .template.urls import AWS_IAM
from .urls.function_url import FunctionUrl
from .web.certificate import make_certificate
from .web.exchange import ExchangeWatch
from .web.host_check import HostCheck
from .web.iam import Iam
from .web.web_server import WebServer, address, listen
from .websocket_apis.connections import MESSAGE_LIMIT_BYTES
from .websocket_apis.endpoint import make_ca_bundle, with_endpoints
from .websocket_apis.websocket_api import WebSocketApi

if TYPE_CHECKING:
    import ssl

    from .web.asgi import App

Key = tuple[str, str]  # of a port: URL and a function's name, or the kind of an API and its name

URL = "URL"
_FRONT_ENDS = {REST: RestApi, HTTP: HttpApi, WEBSOCKET: WebSocketApi}
PORT_ATTEMPT_LIMIT = 100  # ports in a row that may be in use when a function is added later


class Emulator:
    """Serves a template within an `async with` block.

    The Lambda API listens on `port`; the function URLs follow on the next ports in the template's order, then the
    APIs. With port 0, each gets any free port. `say` is called with the emulator's messages, `log` with
    the name of a function and each line that it prints. Raises EmulatorError if the settings name an unknown function.
    """

    pool_type = SandboxPool
    server_type = WebServer

    def __init__(
        self,
        template: Template,
        *,
        port: int,
        say: Callable[[str], None],
        log: Callable[[str, str], None],
        settings: Settings = DEFAULTS,
    ) -> None:
        self.lambda_api = ""
        self.urls: dict[str, str] = {}
        self.apis: dict[str, str] = {}
        """The URLs of the stages of the APIs, by their logical ids."""
        self.iam = Iam()
        self.listens_on = ""
        self.ca_file: Path | None = None
        """The file with the certificate of the CA that has issued that of the URLs; None if they are not https."""
        self.signed: list[str] = []
        """The names of the functions whose URLs require requests signed with the credentials of `iam`."""
        self._template = template
        self._port = port
        self._say = cache(say)  # each message once, although the template may be read again and again
        self._log = log if settings.activity is None else settings.activity.logged(log)
        self._settings = settings
        settings.check_names(template.functions)
        self._url_apps: dict[str, App] = {}
        self._sockets: dict[Key, socket.socket] = {}
        self._served_apis: dict[Key, Api] = {}
        self._tls: ssl.SSLContext | None = None
        self._ca_bundle: Path | None = None

    async def __aenter__(self) -> "Emulator":
        with ExitStack() as stack:
            hide()
            scratch = Path(mkdtemp(prefix="streamify-"))
            self.reaper = Reaper(scratch)
            stack.callback(self.reaper.close)
            self._pools = FunctionPools(
                pool_type=self.pool_type,
                scratch=scratch,
                reaper=self.reaper,
                settings=self._settings,
                say=self._say,
                log=self._log,
            )
            # Ports first, so that an error about a port in use comes before the slow steps.
            control = stack.enter_context(listen(self._settings.host, self._port, "the Lambda API"))
            if self._settings.tls:
                self.ca_file = scratch / "ca.pem"
                self._tls = make_certificate(self._settings.host_names, self.ca_file, datetime.now(timezone.utc))
            self._server = self.server_type({control: self._with_host_check(self._control_port(), own_pages_only=True)})
            self.listens_on = str(control.getsockname()[0])
            self.lambda_api = address(control)
            stack.callback(self._close_sockets)
            await self.update(self._template)
            await self._server.start()
            self._resources = stack.pop_all()
        return self

    async def update(self, template: Template) -> None:
        """Serve `template` from now on. What it has in common with the one before keeps its ports and sandboxes.

        Running invocations of functions that have changed or are gone continue to their end. If an error is raised, the
        template before is still served.
        """
        served = [function for function in template.functions if self._is_servable(function)]
        if not served:
            raise TemplateError("the template has no function that can be served")
        with ExitStack() as stack:
            apis = _apis(template, served)
            new = [key for key in _ports(served, apis) if key not in self._sockets]
            opened = {key: stack.enter_context(self._listen(*key)) for key in new}
            served = self._with_endpoints(served, apis, {**self._sockets, **opened})
            changed = [function for function in served if not self._pools.has(function)]
            pools = await self._pools.prepare(changed)
            stack.pop_all()
        served = [function for function in served if function.name in pools or function not in changed]
        apis = _apis(template, served)
        ports = _ports(served, apis)
        for key in opened.keys() - set(ports):
            opened.pop(key).close()  # of a function that could not be prepared: else a client would wait for ever
        self._sockets |= opened
        before = self._pools.current
        self._pools.replace({function.name: pools.get(function.name) or before[function.name] for function in served})
        for function in served:
            if function.invoke_mode is not None and (function in changed or (URL, function.name) in opened):
                self._open_url(function)
        for key, api in apis.items():
            if api != self._served_apis.get(key) or key in opened:
                self._open_api(key, api)
        for key in self._sockets.keys() - set(ports):
            self._server.close(self._sockets.pop(key))
        self._served_apis = apis
        self._describe(ports)

    def _with_endpoints(
        self, functions: list[Function], apis: Mapping[Key, Api], sockets: Mapping[Key, socket.socket]
    ) -> list[Function]:
        """Return the functions; those of WebSocket APIs know where to send messages to clients."""
        scheme = "https" if self._settings.tls else "http"
        urls = {
            route.function: f"{address(sockets[key], scheme)}{api.prefix}"
            for key, api in apis.items()
            if api.kind == WEBSOCKET
            for route in api.routes
        }
        if urls and self.ca_file is not None and self._ca_bundle is None:
            self._ca_bundle = make_ca_bundle(self.ca_file, self.ca_file.with_name("ca-bundle.pem"))
        credentials = None if self._settings.with_credentials else self.iam.credentials
        return with_endpoints(functions, urls, credentials, self._ca_bundle)

    def _describe(self, ports: Iterable[Key]) -> None:
        """Update the addresses, in the template's order."""
        addresses = {key: self._address(key) for key in ports}
        urls = {name: f"{url}/" for (kind, name), url in addresses.items() if kind == URL}
        apps = {name: self._url_apps[name] for name in urls}
        for shared, latest in ((self.urls, urls), (self._url_apps, apps)):  # the dashboard has the same dictionaries
            shared.clear()
            shared.update(latest)  # type: ignore[arg-type]
        self.signed[:] = [name for name in urls if self._pools.current[name].function.auth_type == AWS_IAM]
        self.apis = {api.name: f"{addresses[key]}{api.prefix}" for key, api in self._served_apis.items()}

    def _address(self, key: Key) -> str:
        schemes = ("ws", "wss") if key[0] == WEBSOCKET else ("http", "https")
        return address(self._sockets[key], schemes[self._settings.tls])

    def _open_url(self, function: Function) -> None:
        app = FunctionUrl(
            self._pools.current[function.name],
            partial(self._log, function.name),
            self.iam if function.auth_type == AWS_IAM else None,
            cuts_errors=self._settings.cuts_errors,
            public_host=self._settings.public_host,
        )
        self._url_apps[function.name] = self._watched(app, function=function.name)
        self._serve((URL, function.name), app)

    def _open_api(self, key: Key, api: Api) -> None:
        self._serve(
            key, _FRONT_ENDS[api.kind](api, self._pools.current, self._log, public_host=self._settings.public_host)
        )

    def _serve(self, key: Key, app: "App") -> None:
        kind, name = key
        checked = self._with_host_check(app, own_pages_only=False)
        watched = self._watched(checked, function=name) if kind == URL else self._watched(checked, api=name)
        websockets = MESSAGE_LIMIT_BYTES if kind == WEBSOCKET else None
        self._server.open(self._sockets[key], watched, self._tls, websockets=websockets)

    def _listen(self, kind: str, name: str) -> socket.socket:
        """Return a socket on the next port. At the start that port has to be free; later, one in use is skipped."""
        purpose = f"the URL of {name}" if kind == URL else f"the {kind} API {name}"
        for _ in range(PORT_ATTEMPT_LIMIT):
            if self._port:
                self._port += 1
            try:
                return listen(self._settings.host, self._port, purpose)
            except AddressError:
                if not self._pools.current:
                    raise
        raise AddressError(f"no port is free for {purpose}, up to {self._port}")

    def _close_sockets(self) -> None:
        for listening in self._sockets.values():
            listening.close()

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:  # runs all callbacks even if one raises
            stack.callback(self._resources.close)
            stack.push_async_callback(self._server.stop)
            if self._settings.activity is not None:
                self._settings.activity.end()
            await self._pools.stop()

    def _with_host_check(self, app: "App", *, own_pages_only: bool) -> "App":
        return HostCheck(app, self._settings.host_names, own_pages_only=own_pages_only)

    def _watched(self, app: "App", *, function: str | None = None, api: str | None = None) -> "App":
        watchers = self._settings.exchange_watchers
        return ExchangeWatch(app, watchers, function=function, api=api) if watchers else app

    def _control_port(self) -> "App":
        certificate = b"" if self.ca_file is None else self.ca_file.read_bytes()
        pools = self._pools.current
        api: App = lambda_api(pools, self.urls, self.iam, certificate)
        activity = self._settings.activity
        if activity is None:
            return api
        from .dashboard.app import ControlPort, Dashboard

        page = Dashboard(activity, pools, urls=self.urls, apps=self._url_apps, apis=lambda: self.apis, iam=self.iam)
        return ControlPort(api, page)

    def _is_servable(self, function: Function) -> bool:
        reason = not_served(function)
        if reason is not None:
            self._say(f"{function.name} is not served: {reason}")
        return reason is None


def _apis(template: Template, functions: Iterable[Function]) -> dict[Key, Api]:
    """Return the template's APIs by their ports, with their routes to these functions."""
    return {(api.kind, api.name): api for api in _routed(template.apis, {function.name for function in functions})}


def _routed(apis: Iterable[Api], functions: set[str]) -> Iterator[Api]:
    for api in apis:
        routes = tuple(route for route in api.routes if route.function in functions)
        if routes:
            yield replace(api, routes=routes)


def _ports(functions: Iterable[Function], apis: Mapping[Key, Api]) -> list[Key]:
    """Return what needs a port, in the order of the ports."""
    return [*((URL, function.name) for function in functions if function.invoke_mode is not None), *apis]
