"""A handler in folders, which are namespace packages."""


def handler(event, context):
    return [__name__, __package__, handler.__module__]


def fails(event, context):
    raise ValueError("in a package")
