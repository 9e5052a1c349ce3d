"""Raises while it is imported."""


def prepare():
    raise ValueError("no configuration: é")


prepare()
