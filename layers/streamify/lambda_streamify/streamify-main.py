"""The program that the wrapper starts instead of /var/runtime/bootstrap.py. It is at the root of the layer.

It prepares the search path as that file does on the managed Python runtimes (read from the python3.11 image). It always
imports the layer's copy of this package, even if the function has a copy of its own.
"""

import os
import site
import sys
from _frozen_importlib_external import SourceFileLoader, spec_from_file_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

root = os.path.dirname(os.path.abspath(__file__))
runtime = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
python = os.path.join(root, "python")
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"


class LayerFinder:
    """Finds the modules of this package in the layer, and lists each folder only once.

    Python's own finder makes five system calls for each module.
    """

    def __init__(self) -> None:
        self.listings: dict[str, set[str]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """Return the spec of `name`, or None if it is not one of the layer's modules."""
        if name.partition(".")[0] != "lambda_streamify":
            return None
        folder, _, module = os.path.join(python, *name.split(".")).rpartition("/")
        if self.lists(folder, module + ".py"):
            location, search_locations = f"{folder}/{module}.py", None
        elif self.lists(folder, module) and self.lists(f"{folder}/{module}", "__init__.py"):
            location, search_locations = f"{folder}/{module}/__init__.py", [f"{folder}/{module}"]
        else:
            return None
        return spec_from_file_location(
            name, location, loader=SourceFileLoader(name, location), submodule_search_locations=search_locations
        )

    def lists(self, folder: str, name: str) -> bool:
        """Return whether `folder` has an entry of this name."""
        if folder not in self.listings:
            self.listings[folder] = set(os.listdir(folder))
        return name in self.listings[folder]


standard_library = sys.path[1:]
sys.meta_path.insert(0, LayerFinder())
from lambda_streamify._runtime import bootstrap  # noqa: E402 - only now can it come from the layer alone
from lambda_streamify._runtime.loader import StandardLibraryFirst  # noqa: E402

sys.meta_path.insert(0, StandardLibraryFirst(standard_library))
sys.path[0] = runtime  # the folder of AWS's bootstrap.py, which also contains boto3
folders = [task]
if "PYTHONPATH" not in os.environ:
    folders += [os.path.join(python, "lib", version, "site-packages"), python]
    sys.path.insert(0, f"/var/lang/lib/{version}/site-packages")
    os.environ["PYTHONPATH"] = runtime  # for processes that the function starts
sys.path[0:0] = folders
known = {os.path.normcase(os.path.abspath(folder)) for folder in sys.path if os.path.exists(folder)}
for folder in folders:
    site.addsitedir(folder, known)  # runs the folder's .pth files

if __name__ == "__main__":
    bootstrap.main()
