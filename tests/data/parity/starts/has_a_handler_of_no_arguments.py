"""Has a handler that takes too little."""


def handler():
    return "never called"
