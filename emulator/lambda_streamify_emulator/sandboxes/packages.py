"""Prepares a template's functions: interpreters, clients, layers, and the folders that replace Lambda's."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from ..building import node_client, python_client
from ..building.code_watch import CodeWatch
from ..building.layers import assemble
from ..building.programs import Run
from ..building.steps import Steps
from ..building.task_root import TaskRoot
from ..containers.engine import find_engine
from ..containers.images import ImageWatch, have_image
from ..errors import BuildError, EngineError, InterpreterError
from ..processes.interpreters import find_interpreter
from ..processes.node import find_node
from ..template.images import Image
from ..template.reader import Function, Layer
from .debugger import find_debugpy, missing
from .environment import WRAPPER, Folders, is_os_only
from .function_package import Package
from .runtime_folder import has_client, link_client, make_runtime_folder
from .runtimes import PYTHON, AbsentRuntime, NodeRuntime, OsOnlyRuntime, Runtime, needs_client

Failure = BuildError | EngineError | InterpreterError
Note = Callable[[str, str | None], None]


@dataclass(frozen=True)
class _Chosen:
    """The interpreter and the runtime of a function, and how its client is fetched."""

    interpreter: Path | None
    runtime: Runtime
    fetch: Callable[[], object] = lambda: None
    version: str = ""
    """Such as "python3.12"; "" unless it is Python."""


class PackageMaker:
    """Makes the packages of a template's functions, in the folder `scratch`.

    `say` is called with messages. `note` is called with the name of a function and what is being installed for it, and
    then with None. `debug` is the name of the function to debug.
    """

    def __init__(
        self,
        scratch: Path,
        run: Run,
        say: Callable[[str], None],
        note: Note = lambda *_: None,
        debug: str | None = None,
    ) -> None:
        self._scratch = scratch
        self._run = run
        self._say = say
        self._say_once = cache(say)  # several functions, or folders, may have the same message
        self._find_interpreter = cache(find_interpreter)  # which starts a process
        self._note = note
        self._debug = debug
        self._opts: dict[tuple[Layer, ...], Path | BuildError] = {}
        self._runtime_folders = set[Path]()

    def make_all(self, functions: Iterable[Function]) -> Iterator[tuple[Function, Package | Failure]]:
        """Yield each function with its package, or with the reason why it has none."""
        for function in functions:
            yield function, self._made(function)

    def _made(self, function: Function) -> Package | Failure:
        try:
            return self.make(function)
        except (BuildError, EngineError, InterpreterError) as error:
            return error

    def make(self, function: Function) -> Package:
        """Return the package of a function. Raises BuildError, EngineError or InterpreterError.

        What the function needs besides its layers is installed at its first invocation. If it is to be debugged, it is
        installed here, since it may contain the debugger.
        """
        steps = Steps(self._say, partial(self._note, function.name))
        if function.image is not None:
            return self._make_container(function, function.image, steps)
        opt = self._opt(function.layers)
        folder = self._scratch / "runtime" / opt.name
        chosen = self._choose(function, steps, folder)
        folder /= chosen.version or "other"
        if folder not in self._runtime_folders:
            self._runtime_folders.add(folder)
            if chosen.version:
                make_runtime_folder(folder, opt, chosen.version)
            else:
                folder.mkdir(parents=True)
        task = self._scratch / "task" / function.logical_id
        python = chosen.interpreter if chosen.version else None
        root = TaskRoot(function, python, task, steps, self._run, fetch=partial(self._fetch, function, chosen))
        folders, debugpy = Folders(opt, function.code, folder), None
        if function.name == self._debug and not chosen.version:
            self._say(f"{function.name} cannot be debugged: only Python functions can")
        elif function.name == self._debug:
            folders = replace(folders, task=root.make())
            debugpy = find_debugpy(folders, chosen.version)
            if debugpy is None:
                self._say(missing(function))
        watch = CodeWatch(function.code, self._say_once)
        return Package(function, chosen.interpreter, folders, debugpy, root, watch, chosen.runtime)

    def _make_container(self, function: Function, image: Image, steps: Steps) -> Package:
        if function.name == self._debug:
            self._say(f"{function.name} cannot be debugged: only Python functions with a folder can")
        engine = find_engine()
        have_image(engine, image, self._run, partial(steps.installing, state="pulling its image"))
        absent = self._scratch / "image"  # the folders are in the image
        folders = Folders(absent, absent, absent)
        return Package(function, None, folders, watch=ImageWatch(engine, image), engine=engine)

    def _opt(self, layers: tuple[Layer, ...]) -> Path:
        """Return the folder with these layers. Functions that have the same ones share it, or its error."""
        if layers not in self._opts:
            opt = self._scratch / "opt" / str(len(self._opts))
            self._opts[layers] = opt
            try:
                assemble(layers, opt, self._run, self._say)
            except BuildError as error:
                self._opts[layers] = error
        found = self._opts[layers]
        if isinstance(found, BuildError):
            raise found
        return found

    def _choose(self, function: Function, steps: Steps, folder: Path) -> _Chosen:
        runtime, has_wrapper = function.runtime, bool(function.environment.get(WRAPPER))
        if runtime.startswith("python"):
            found = self._find_interpreter(runtime)
            if found.notice:
                self._say_once(found.notice)
            fetch = partial(_fetch_python_client, found.python, found.version, steps, self._run, folder)
            is_there = has_client(found.version) or not needs_client(function)
            return _Chosen(found.python, PYTHON, (lambda: None) if is_there else fetch, found.version)
        if is_os_only(runtime):
            if has_wrapper:
                self._say(f"{function.name}: {WRAPPER} has no effect, as on AWS, because its runtime is {runtime}")
            return _Chosen(None, OsOnlyRuntime())
        if runtime.startswith("nodejs"):
            try:
                node = find_node()
            except InterpreterError:
                if not has_wrapper:
                    raise
                return _Chosen(None, AbsentRuntime())
            if notice := node.notice(runtime):
                self._say_once(notice)
            if _misses_modules(function.code):
                self._say(f"{function.name}: no node_modules beside its package.json: npm install in {function.code}")
            fetch = partial(node_client.fetch_client, node, steps, self._run)
            return _Chosen(node.program, NodeRuntime(node_client.client_script(node)), fetch)
        return _Chosen(None, AbsentRuntime())

    def _fetch(self, function: Function, chosen: _Chosen) -> None:
        try:
            chosen.fetch()
        except BuildError as error:
            if not function.environment.get(WRAPPER):
                raise
            self._say(f"{function.name}: {error}")  # its wrapper may start another runtime


def _fetch_python_client(python: Path, version: str, steps: Steps, run: Run, folder: Path) -> None:
    link_client(folder / version, python_client.fetch_client(python, version, steps, run))


def _misses_modules(code: Path) -> bool:
    """Whether the package.json of a function lists dependencies that are not there."""
    try:
        package = json.loads((code / "package.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(package, dict) and bool(package.get("dependencies")) and not (code / "node_modules").exists()
