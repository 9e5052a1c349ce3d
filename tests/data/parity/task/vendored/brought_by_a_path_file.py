"""Lies in a folder that a .pth file of the function names."""
