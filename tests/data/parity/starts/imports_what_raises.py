"""Imports a module that raises."""

import raises
