"""Adds a handler to the root logger."""

import logging
import sys

logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))


def handler(event, context):
    logging.error("twice")
    try:
        raise ValueError("caught")
    except ValueError:
        logging.exception("with a traceback")
