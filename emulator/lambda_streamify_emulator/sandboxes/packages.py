"""A template's functions made ready to run: interpreters, layers, and the folders that stand for Lambda's."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ..building.layers import assemble
from ..building.programs import Run
from ..building.task_root import TaskRoot
from ..template.reader import Function
from .debugger import find_debugpy, missing
from .environment import Folders
from .interpreters import find_interpreter
from .runtime_folder import make_runtime_folder
from .sandbox import Package


def make_packages(
    functions: Iterable[Function], scratch: Path, run: Run, say: Callable[[str], None], debug: str | None
) -> Iterator[Package]:
    """Each function as a package in the folder `scratch`; `debug` is the name of the one that is to be debugged.

    Only that one's requirements are installed here, for its debugger may be among them: those of others wait until
    somebody needs them.
    """
    opts: dict[object, Path] = {}
    runtimes = set[Path]()
    notices = set()
    for function in functions:
        interpreter = find_interpreter(function.runtime)
        if interpreter.notice and interpreter.notice not in notices:
            notices.add(interpreter.notice)
            say(interpreter.notice)
        if function.layers not in opts:
            opts[function.layers] = scratch / "opt" / str(len(opts))
            assemble(function.layers, opts[function.layers], run, say)
        opt = opts[function.layers]
        runtime = scratch / "runtime" / interpreter.version / opt.name
        if runtime not in runtimes:
            runtimes.add(make_runtime_folder(runtime, opt, interpreter.version))
        root = TaskRoot(function, interpreter.python, scratch / "task" / function.logical_id, say, run)
        folders, debugpy = Folders(opt, function.code, runtime), None
        if function.name == debug:
            folders = replace(folders, task=root.make())
            debugpy = find_debugpy(folders, interpreter.version)
            if debugpy is None:
                say(missing(function))
        yield Package(function, interpreter.python, folders, debugpy, root)
