"""Lies in a folder that a .pth file of another layer names."""
