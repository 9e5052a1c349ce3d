"""Raises, while it is imported, what cannot be made a text."""


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")


raise Unspeakable
