"""The old name of `lambda_streamify.client`, which warns and works on."""

from warnings import warn

from .client import *  # noqa: F403 - what was documented under this name

warn("lambda_streamify.reading is now lambda_streamify.client", DeprecationWarning, stacklevel=2)
