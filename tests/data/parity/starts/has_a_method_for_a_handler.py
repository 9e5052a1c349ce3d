"""Has a bound method for a handler."""


class Service:
    def answer(self, event, context):
        return [type(self).__name__, event]


handler = Service().answer
