"""Warns while it is imported."""

import warnings

warnings.simplefilter("always")
warnings.warn("careful", stacklevel=1)


def handler(event, context):
    warnings.warn("careful again", stacklevel=1)
