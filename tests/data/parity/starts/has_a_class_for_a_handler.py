"""Has a class for a handler: called, it makes an object, which is a dict."""


class handler(dict):
    def __init__(self, event, context):
        super().__init__(event=event)
