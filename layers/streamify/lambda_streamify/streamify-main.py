"""What the wrapper starts instead of /var/runtime/bootstrap.py; it lies at the root of the layer.

It prepares the search path as that file does on the managed Python runtimes (read from the python3.11 image). This
package is always the layer's copy, also where the function brings one of its own.
"""

import os
import site
import sys

root = os.path.dirname(os.path.abspath(__file__))
runtime = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
python = os.path.join(root, "python")
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"

sys.path[0] = python
from lambda_streamify import bootstrap  # noqa: E402 - found in the only place where it may come from
from lambda_streamify.standard_library import StandardLibraryFirst  # noqa: E402

sys.meta_path.insert(0, StandardLibraryFirst(sys.path[1:]))
sys.path[0] = runtime  # where AWS's bootstrap.py lies, and boto3 beside it
folders = [task]
if "PYTHONPATH" not in os.environ:
    folders += [os.path.join(python, "lib", version, "site-packages"), python]
    sys.path.insert(0, f"/var/lang/lib/{version}/site-packages")
    os.environ["PYTHONPATH"] = runtime  # for the processes that the function starts
sys.path[0:0] = folders
for folder in folders:
    site.addsitedir(folder)  # runs the .pth files in there

if __name__ == "__main__":
    bootstrap.main()
