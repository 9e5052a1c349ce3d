"""Stands for /var/runtime/bootstrap.py, which starts AWS's own client, awslambdaric, from the folder it lies in.

It does to the search path what that file does (read from the image of python3.11). /opt lies where it lies on AWS, seen
from here, so that a whole sandbox fits into a folder.
"""

import os
import site
import sys

runtime = os.path.dirname(os.path.abspath(__file__))
packages = os.path.join(f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
layers = os.path.join(os.path.dirname(os.path.dirname(runtime)), "opt", "python")
task = os.environ["LAMBDA_TASK_ROOT"]

folders = [task]
if "PYTHONPATH" not in os.environ:
    folders += [os.path.join(layers, "lib", packages), layers]
    sys.path.insert(0, os.path.join("/var/lang/lib", packages))
    os.environ["PYTHONPATH"] = runtime
sys.path[0:0] = folders
for folder in folders:
    site.addsitedir(folder)

if __name__ == "__main__":
    # By this name, Sentry's integration finds the parts of AWS's client that it replaces.
    import awslambdaric.__main__ as awslambdaricmain

    awslambdaricmain.main([task, os.environ["_HANDLER"]])
