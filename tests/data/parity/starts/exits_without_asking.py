"""Ends the process while it is imported."""

import os

print("last words")
os._exit(9)
