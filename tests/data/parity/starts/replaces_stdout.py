"""Replaces sys.stdout."""

import logging
import sys


class Shouting:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        return self.stream.write(text.upper())

    def flush(self):
        self.stream.flush()


sys.stdout = Shouting(sys.stdout)


def handler(event, context):
    print("printed")
    logging.error("logged")
    context.log("context\n")
    raise ValueError("raised")
