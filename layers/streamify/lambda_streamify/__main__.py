"""`python -m lambda_streamify HANDLER`, the entry point of container images.

As in AWS's runtime interface client, the handler is the argument, or else the variable _HANDLER, and Python searches
the working directory for modules. The packages beside the runtime of AWS's base images, such as boto3, are found last.
"""

import os
import sys

from ._runtime import bootstrap

if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["_HANDLER"] = sys.argv[1]
    if "LAMBDA_RUNTIME_DIR" in os.environ:
        sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    bootstrap.main()
