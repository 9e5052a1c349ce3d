"""Registers what is to be done at the end of the process."""

import atexit

atexit.register(print, "cleaning up")


def handler(event, context):
    return "answered"
