"""Fails while its handler is made."""


def __getattr__(name):
    if name == "handler":
        raise ZeroDivisionError("not made")
    raise AttributeError(name)
