"""Starts a thread that lives as long as the process."""

import threading

threading.Thread(target=threading.Event().wait, name="background", daemon=True).start()


def handler(event, context):
    return sorted(thread.name for thread in threading.enumerate())
