"""Imports a module that cannot be imported."""

import misses_a_dependency
