"""Imports the module of a handler once, as a cold start does: python import_script.py REQUEST.

REQUEST is a JSON object: the `module`, the `folders` of the search path, in their order, those of them that belong to
the function and its layers (`own`), `with_bytecode`, and perhaps an `event` with the name of the `handler` in the
module, which is then called with it. The answer is a JSON object: the `seconds` of the import and the `files` in these
folders that it and the call imported, or the `error`. The script runs under the Python of a function's runtime, so it
imports nothing of the emulator.
"""

import json
import os
import site
import sys
import time
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


class Compiling(SourceFileLoader):
    """Compiles each module, as Python does if there is no bytecode and it cannot write any."""

    def get_code(self, fullname: str) -> "CodeType":
        """Return the code of a module, compiled now."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def compiling_hook(own: "tuple[str, ...]") -> "Callable[[str], FileFinder]":
    """Return a path hook for these folders, which end in a slash, and for all below them."""
    hook = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (Compiling, SOURCE_SUFFIXES))

    def find(path: str) -> FileFinder:
        if not (path + "/").startswith(own):
            raise ImportError(path)  # the next hook may take it
        finder: FileFinder = hook(path)  # type: ignore[assignment]
        return finder

    return find


class Context:
    """What a handler finds in its second argument, from the variables of its environment."""

    def __init__(self) -> None:
        self.aws_request_id = "00000000-0000-0000-0000-000000000000"
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.tenant_id = None
        self.client_context = None
        self.identity = None

    def get_remaining_time_in_millis(self) -> int:
        """Return a time that no handler finds short, in milliseconds."""
        return 900_000


def call(handler: "Callable[[object, object], object]", event: object) -> None:
    """Call the handler and read its whole response, by the function's own streamify layer if it has one."""
    try:
        testing = import_module("lambda_streamify.testing")
    except ImportError:
        handler(event, Context())
    else:
        testing.call(handler, event, Context())


def main() -> None:
    """Import the module and print the answer."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what the module prints is no answer
    request = json.loads(sys.argv[1])
    own = tuple(folder + "/" for folder in request["own"])
    if not request["with_bytecode"]:
        sys.path_hooks.insert(0, compiling_hook(own))
    sys.path[0:0] = request["folders"]
    begun = time.perf_counter()
    for folder in own:
        site.addsitedir(folder)  # runs the .pth files in there
    try:
        __import__(request["module"])
        seconds = time.perf_counter() - begun
        if "event" in request:
            call(getattr(sys.modules[request["module"]], request["handler"]), request["event"])
        names = [getattr(module, "__file__", None) or "" for module in [*sys.modules.values()]]
        answer = {
            "seconds": seconds,
            "files": [name for name in names if name.startswith(own) and name.endswith(".py")],
        }
    except BaseException as error:  # noqa: BLE001 - also SystemExit: it is the module that raises
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(answers, json.dumps(answer).encode())
    os._exit(0)  # threads of the module may run on


if __name__ == "__main__":
    main()
