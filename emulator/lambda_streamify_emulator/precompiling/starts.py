"""Starts of a function: its handler's module is imported in fresh interpreters, with and without bytecode."""

import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from ..building.layers import installed_layer
from ..errors import BuildError
from ..sandboxes.environment import Folders, sandbox_environment
from ..sandboxes.runtime_folder import make_runtime_folder
from ..template.functions import Function
from . import import_script

RUNS = 5
IMPORT_TIMEOUT_S = 60
_STREAMIFY = "streamify"  # the logical id of the layer that is installed beside the emulator: `template.layers`
# Nobody listens there: a function may look for the Runtime API, and finds none while its module is imported.
_NO_API = "127.0.0.1:9"


@dataclass(frozen=True)
class Saving:
    """The median time that the import of a handler's module takes, in seconds."""

    module: str
    without_s: float
    with_s: float


class Starts:
    """Imports the module of `function` with the program `python`. Use it as a context manager.

    It raises BuildError if the import fails.
    """

    def __init__(self, function: Function, python: str) -> None:
        self._function = function
        self._python = python
        module, _, self._handler = function.handler.rpartition(".")
        self.module = module.replace("/", ".")

    def __enter__(self) -> "Starts":
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="streamify-")))
            opt = scratch / "opt"
            version = self._function.runtime
            runtime = make_runtime_folder(scratch / "runtime", opt, version)
            layers = []
            for layer in reversed(self._function.layers):  # a later one lies over an earlier one
                if layer.content is not None:
                    layers.append(layer.content)
                elif layer.logical_id == _STREAMIFY or layer.logical_id.split(":")[6:7] == [_STREAMIFY]:
                    installed_layer(opt)
                    layers.append(opt)
            packages = [layer / "python" / "lib" / version / "site-packages" for layer in layers]
            own = [self._function.code, *packages, *(layer / "python" for layer in layers)]
            self._own = [str(folder) for folder in own if folder.is_dir()]
            self._folders = [*self._own, str(runtime)]
            folders = Folders(opt, self._function.code, runtime)
            self._environment = sandbox_environment(self._function, folders, None, "precompile", _NO_API)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def imported(self, event: bytes | None = None) -> set[Path]:
        """Return the sources of the function and its layers that the module imports, itself included.

        With an `event`, a JSON document, they are also those that the handler imports when it is called with it. Then
        BuildError says that the handler raised an error, too.
        """
        asked = {} if event is None else {"event": json.loads(event), "handler": self._handler}
        return {Path(name) for name in self._import(with_bytecode=False, **asked)["files"]}

    def saving(self) -> Saving:
        """Return what bytecode saves. The two kinds of runs take turns: a busy machine slows both."""
        times: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(RUNS):
            for with_bytecode, seconds in times.items():
                seconds.append(self._import(with_bytecode=with_bytecode)["seconds"])
        return Saving(self.module, median(times[False]), median(times[True]))

    def _import(self, *, with_bytecode: bool, **asked: Any) -> dict[str, Any]:
        request = {"module": self.module, "folders": self._folders, "own": self._own, "with_bytecode": with_bytecode}
        request.update(asked)
        # -I and -S: nothing of this machine but the standard library. Not -B: boto3, which is not the function's, is
        # compiled once and not in each run.
        command = [self._python, "-I", "-S", import_script.__file__, json.dumps(request)]
        try:
            done = subprocess.run(
                command,
                cwd=self._function.code,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=IMPORT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(f"the import of {self.module} takes longer than {IMPORT_TIMEOUT_S} s") from None
        answer = json.loads(done.stdout) if done.stdout else {"error": f"exit status {done.returncode}"}
        if "error" in answer:
            what = "cannot be imported or called with the event" if asked else "cannot be imported"
            raise BuildError(f"{self.module} {what} here: {answer['error']}")
        return dict(answer)
