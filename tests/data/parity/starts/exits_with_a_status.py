"""Exits with a status while it is imported."""

import sys

sys.exit(5)
