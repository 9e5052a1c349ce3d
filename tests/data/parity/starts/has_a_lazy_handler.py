"""Makes its handler when somebody asks for it."""


def __getattr__(name):
    if name != "handler":
        raise AttributeError(name)
    return lambda event, context: "made"
