"""Stands for /var/runtime/bootstrap.py, which starts AWS's own client: it does what that file does to the search path.

It is copied beside that client, as it lies on Lambda. Read from the image of python3.11.
"""

import os
import site
import sys

task = os.environ["LAMBDA_TASK_ROOT"]
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
folders = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python"]
sys.path[0:0] = [*folders, f"/var/lang/lib/{version}/site-packages"]
for folder in folders:
    site.addsitedir(folder)
os.environ["PYTHONPATH"] = os.environ["LAMBDA_RUNTIME_DIR"]

if __name__ == "__main__":
    from awslambdaric.__main__ import main

    main([task, os.environ["_HANDLER"]])
