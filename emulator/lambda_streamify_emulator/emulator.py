"""The emulator: a template's functions, ready to run, behind their URLs and the Lambda API."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import TYPE_CHECKING

from .debugger import find_debugpy, missing
from .environment import Folders
from .errors import TemplateError
from .function_url import FunctionUrl
from .iam import Iam
from .interpreters import find_interpreter, locate
from .lambda_api import lambda_api
from .layers import assemble
from .makefiles import is_to_be_made, made_task_root
from .pool import SandboxPool
from .programs import Programs, Run
from .reaper import Reaper
from .runtime_folder import lacks_client, make_runtime_folder
from .sandbox import Package
from .settings import DEFAULTS, Settings
from .task_root import prepare
from .template import Function, Template
from .template_urls import AWS_IAM
from .web_server import WebServer, listen

if TYPE_CHECKING:
    from .asgi import App

HOST = "127.0.0.1"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"


class Emulator:
    """Runs a template while the `async with` block lasts.

    The Lambda API listens on `port`, the function URLs on the ports after it, in the template's order; with port 0 all
    listen wherever there is room. `say` is told what happens, `log` what a function prints, with its name.
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
        self.iam = Iam()
        self._template = template
        self._port = port
        self._say = say
        self._log = log
        self._settings = settings
        self._pools: dict[str, SandboxPool] = {}

    async def __aenter__(self) -> "Emulator":
        sockets: dict[socket.socket, App] = {}
        with ExitStack() as stack:
            self._scratch = Path(mkdtemp(prefix="streamify-"))
            self.reaper = Reaper(self._scratch)
            stack.callback(self.reaper.close)
            # Ports first: if one is taken nobody should have to wait to be told.
            control = stack.enter_context(listen(HOST, self._port, "the Lambda API"))
            served = [function for function in self._template.functions if self._is_servable(function)]
            if not served:
                raise TemplateError("the template has no function that can be served")
            doors: dict[str, socket.socket] = {}
            for function in served:
                if function.invoke_mode is not None:
                    number = self._port and self._port + 1 + len(doors)
                    door = listen(HOST, number, f"the URL of {function.name}")
                    doors[function.name] = stack.enter_context(door)
            programs = Programs(self.reaper)
            preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare, served, programs.run))
            try:
                await asyncio.wait([preparing])
            except asyncio.CancelledError:
                programs.stop()
                await asyncio.wait([preparing])  # a thread is not cancelled: it would go on filling what is removed
                preparing.exception()  # which is that it was stopped
                raise
            preparing.result()
            sockets[control] = lambda_api(self._pools, self.urls)
            for name, door in doors.items():
                pool = self._pools[name]
                iam = self.iam if pool.function.auth_type == AWS_IAM else None
                sockets[door] = FunctionUrl(pool, partial(self._log, name), iam)
            self._server = self.server_type(sockets)
            await self._server.start()
            self._resources = stack.pop_all()
        self.lambda_api = _address(control)
        self.urls.update({name: _address(door) + "/" for name, door in doors.items()})
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:  # each is ended, whatever the others raise
            stack.callback(self._resources.close)
            stack.push_async_callback(self._server.stop)
            await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def _is_servable(self, function: Function) -> bool:
        problem = _problem(function)
        if problem is not None:
            self._say(f"{function.name} is left out: {problem}")
        return problem is None

    def _prepare(self, functions: list[Function], run: Run) -> None:
        opts: dict[object, Path] = {}
        runtimes = set[Path]()
        notices = set()
        for function in functions:
            interpreter = find_interpreter(function.runtime)
            if interpreter.notice and interpreter.notice not in notices:
                notices.add(interpreter.notice)
                self._say(interpreter.notice)
            if function.layers not in opts:
                opts[function.layers] = self._scratch / "opt" / str(len(opts))
                assemble(function.layers, opts[function.layers], run)
            opt = opts[function.layers]
            runtime = self._scratch / "runtime" / interpreter.version / opt.name
            if runtime not in runtimes:
                runtimes.add(make_runtime_folder(runtime, opt, interpreter.version))
            root = self._scratch / "task" / function.logical_id
            if is_to_be_made(function.build_method, function.code):
                task = made_task_root(function.logical_id, function.code, root, run)
            else:
                task = prepare(function.code, interpreter.python, root, self._say, run)
            folders, debugpy = Folders(opt, task, runtime), None
            if function.name == self._settings.debug:
                debugpy = find_debugpy(folders, interpreter.version)
                if debugpy is None:
                    self._say(missing(function))
            package = Package(function, interpreter.python, folders, debugpy)
            log = partial(self._log, function.name)
            self._pools[function.name] = self.pool_type(package, self.reaper, log, self._settings)


def _problem(function: Function) -> str | None:
    """Why the function does not run here; None if it does."""
    if not function.runtime.startswith("python"):
        return f"its runtime is {function.runtime}, and only Python's are run here"
    if WRAPPER in function.environment:
        return None
    problem = lacks_client(locate(function.runtime)[1])
    return problem and f"without {WRAPPER} it runs under AWS's own runtime, and {problem}"


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"http://{host}:{port}"
