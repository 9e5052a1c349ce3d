"""Raises, while it is imported, what is no Exception."""


class Base(BaseException):
    pass


raise Base("base")
