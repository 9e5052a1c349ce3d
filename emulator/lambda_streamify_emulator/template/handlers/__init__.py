"""Handlers that are served without a template."""
