"""Recurses without end while it is imported."""


def deeper():
    return deeper()


deeper()
