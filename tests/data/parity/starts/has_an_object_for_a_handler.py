"""Has an object for a handler."""


class Callable:
    def __call__(self, event, context):
        return [type(self).__name__, event]


handler = Callable()
