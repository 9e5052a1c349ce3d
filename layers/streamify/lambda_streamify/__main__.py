"""`python -m lambda_streamify HANDLER`, the entry point of container images.

As with AWS's runtime interface client, the handler is the argument, else the variable _HANDLER, and modules are looked
for in the working directory. What AWS's base images have beside their own runtime, boto3 for one, is found last.
"""

import os
import sys

from . import bootstrap

if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["_HANDLER"] = sys.argv[1]
    if "LAMBDA_RUNTIME_DIR" in os.environ:
        sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    bootstrap.main()
