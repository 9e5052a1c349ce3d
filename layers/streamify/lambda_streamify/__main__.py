"""`python -m lambda_streamify HANDLER`, the entry point of container images.

As with AWS's runtime interface client, the handler is the argument, else the variable _HANDLER, and modules are looked
for in the working directory.
"""

import os
import sys

from . import bootstrap

if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["_HANDLER"] = sys.argv[1]
    bootstrap.main()
