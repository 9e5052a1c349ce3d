"""Imports relatively, outside of any package."""

from . import raises
