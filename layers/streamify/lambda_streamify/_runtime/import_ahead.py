"""Imports during init what the first request would import, for functions that Lambda initialises ahead of requests.

Other functions import these modules when they need them: there the first request waits for the whole init anyway, and
few functions need all of them.
"""

import sys
from importlib import import_module

_OWN = ("_response.writer", "_response.inline", "_runtime.invocation_task", "_runtime.native_streaming")
# By a package that the function has imported: the module that the package imports at its first use. anyio runs the
# threads of Starlette and FastAPI; the import takes 30 ms.
_BACKENDS = {"anyio": "anyio._backends._asyncio"}


def import_ahead() -> None:
    """Import the modules. A package that has changed since is no error."""
    for module in _OWN:
        import_module(f"lambda_streamify.{module}")
    for package, module in _BACKENDS.items():
        if package in sys.modules:
            try:
                import_module(module)
            except ImportError:
                pass
