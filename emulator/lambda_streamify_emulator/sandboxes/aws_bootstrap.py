"""Stands for /var/runtime/bootstrap.py of AWS's images: it prepares the search path and starts AWS's own client.

It is copied into the folder that stands for /var/runtime, with OPT naming the folder that stands for /opt, and runs in
sandboxes: it imports nothing of the emulator. What it does is what was read in the image of python3.11.
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
        sys.exit(f"AWS's own runtime is not to be had here for {version}: {error}")
    run([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
