"""Replaces /var/runtime/bootstrap.py of AWS's images: prepares the search path and starts AWS's own runtime client.

The emulator copies this file into the folder that replaces /var/runtime and sets OPT to the folder that replaces /opt.
The script runs in sandboxes, so it imports nothing of the emulator. It does what the python3.11 image's script does.
"""

import os
import site
import sys

OPT = "/opt"


def main() -> None:
    """Run the function under awslambdaric."""
    task, runtime = os.environ["LAMBDA_TASK_ROOT"], os.environ["LAMBDA_RUNTIME_DIR"]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = [task]
    if "PYTHONPATH" not in os.environ:
        folders += [f"{OPT}/python/lib/{version}/site-packages", f"{OPT}/python"]
        sys.path.insert(0, f"/var/lang/lib/{version}/site-packages")
        os.environ["PYTHONPATH"] = runtime  # for the processes that the function starts
    sys.path[0:0] = folders
    for folder in folders:
        site.addsitedir(folder)  # runs the .pth files in there
    try:
        from awslambdaric.__main__ import main as run
    except ImportError as error:
        sys.exit(f"AWS's own runtime cannot be imported here for {version}: {error}")
    run([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
