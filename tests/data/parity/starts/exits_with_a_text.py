"""Exits with a text while it is imported."""

import sys

sys.exit("so much for that")
