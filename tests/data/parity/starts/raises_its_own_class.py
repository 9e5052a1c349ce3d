"""Raises an exception of a name beyond ASCII while it is imported."""


class Größenfehler(Exception):
    pass


raise Größenfehler("zu groß")
