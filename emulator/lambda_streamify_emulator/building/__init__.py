"""Builds what a function needs before it runs: its layers, and its code with its requirements."""
