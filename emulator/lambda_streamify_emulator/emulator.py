"""The emulator: a template's functions, ready to run, behind their URLs and the Lambda API."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import TYPE_CHECKING

from .building.programs import Programs, Run
from .errors import TemplateError
from .lambda_api.server import lambda_api
from .rest_apis.rest_api import RestApi
from .sandboxes.interpreters import locate
from .sandboxes.packages import make_packages
from .sandboxes.pool import SandboxPool
from .sandboxes.reaper import Reaper
from .sandboxes.runtime_folder import lacks_client
from .settings import DEFAULTS, Settings
from .template.apis import Api
from .template.reader import Function, Template
from .template.urls import AWS_IAM
from .urls.function_url import FunctionUrl
from .web.host_check import HostCheck
from .web.iam import Iam
from .web.web_server import WebServer, listen

if TYPE_CHECKING:
    from .web.asgi import App

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
# What listens on all addresses of a machine is reached from it at this one.
REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it here


class Emulator:
    """Runs a template while the `async with` block lasts.

    The Lambda API listens on `port`, the function URLs on the ports after it, in the template's order, then the REST
    APIs; with port 0 all listen wherever there is room. `say` is told what happens, `log` what a function prints, with
    its name.
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
        """The addresses of the REST APIs' stages, by the APIs' logical ids."""
        self.iam = Iam()
        self.listens_on = ""
        self.signed: list[str] = []
        """The functions whose URLs only `iam` may call."""
        self._template = template
        self._port = port
        self._say = say
        self._log = log if settings.activity is None else settings.activity.logged(log)
        self._settings = settings
        self._pools: dict[str, SandboxPool] = {}

    async def __aenter__(self) -> "Emulator":
        sockets: dict[socket.socket, App] = {}
        with ExitStack() as stack:
            self._scratch = Path(mkdtemp(prefix="streamify-"))
            self.reaper = Reaper(self._scratch)
            stack.callback(self.reaper.close)
            # Ports first: if one is taken nobody should have to wait to be told.
            control = stack.enter_context(listen(self._settings.host, self._port, "the Lambda API"))
            served = [function for function in self._template.functions if self._is_servable(function)]
            if not served:
                raise TemplateError("the template has no function that can be served")
            doors: dict[str, socket.socket] = {}
            for function in served:
                if function.invoke_mode is not None:
                    number = self._port and self._port + 1 + len(doors)
                    door = listen(self._settings.host, number, f"the URL of {function.name}")
                    doors[function.name] = stack.enter_context(door)
            apis: list[tuple[Api, socket.socket]] = []
            for api in self._served_apis({function.name for function in served}):
                number = self._port and self._port + 1 + len(doors) + len(apis)
                door = listen(self._settings.host, number, f"the REST API {api.name}")
                apis.append((api, stack.enter_context(door)))
            self._programs = programs = Programs(self.reaper)
            preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare, served, programs.run))
            try:
                await asyncio.wait([preparing])
            except asyncio.CancelledError:
                programs.stop()
                await asyncio.wait([preparing])  # a thread is not cancelled: it would go on filling what is removed
                preparing.exception()  # which is that it was stopped
                raise
            preparing.result()
            for name, door in doors.items():
                pool = self._pools[name]
                iam = self.iam if pool.function.auth_type == AWS_IAM else None
                self.signed += [name] if iam else []
                sockets[door] = FunctionUrl(pool, partial(self._log, name), iam, cuts_errors=self._settings.cuts_errors)
            apps = {name: sockets[door] for name, door in doors.items()}
            sockets[control] = HostCheck(self._control_port(apps), self._settings.host)
            for api, door in apis:
                sockets[door] = RestApi(api, self._pools, self._log)
            self._server = self.server_type(sockets)
            await self._server.start()
            self._resources = stack.pop_all()
        self.listens_on = str(control.getsockname()[0])
        self.lambda_api = _address(control)
        self.urls.update({name: _address(door) + "/" for name, door in doors.items()})
        self.apis = {api.name: f"{_address(door)}/{api.stage}" for api, door in apis}
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:  # each is ended, whatever the others raise
            stack.callback(self._resources.close)
            stack.push_async_callback(self._server.stop)
            self._programs.stop()
            if self._settings.activity is not None:
                self._settings.activity.end()
            await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def _control_port(self, apps: "Mapping[str, App]") -> "App":
        api: App = lambda_api(self._pools, self.urls, self.iam)
        activity = self._settings.activity
        if activity is None:
            return api
        from .dashboard.app import ControlPort, Dashboard

        page = Dashboard(activity, self._pools, urls=self.urls, apps=apps, apis=lambda: self.apis, iam=self.iam)
        return ControlPort(api, page)

    def _is_servable(self, function: Function) -> bool:
        problem = _problem(function)
        if problem is not None:
            self._say(f"{function.name} is left out: {problem}")
        return problem is None

    def _served_apis(self, functions: set[str]) -> Iterator[Api]:
        for api in self._template.apis:
            routes = tuple(route for route in api.routes if route.function in functions)
            if routes:
                yield replace(api, routes=routes)

    def _prepare(self, functions: list[Function], run: Run) -> None:
        for package in make_packages(functions, self._scratch, run, self._say, self._settings.debug):
            log = partial(self._log, package.function.name)
            self._pools[package.function.name] = self.pool_type(package, self.reaper, log, self._settings)


def _problem(function: Function) -> str | None:
    """Why the function does not run here; None if it does."""
    if not function.runtime.startswith("python"):
        return f"its runtime is {function.runtime}, and only Python's are run here"
    if WRAPPER in function.environment:
        return None
    problem = lacks_client(locate(function.runtime)[1])
    return problem and f"without {WRAPPER} (/opt/streamify, to stream) it runs under AWS's own runtime, and {problem}"


def _address(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    reached = REACHED_AT.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
