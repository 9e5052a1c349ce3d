"""Logs while it is imported."""

import logging
import sys

logging.warning("preparing")
logging.getLogger("named").error("going on", extra={"a": 1})
print("printed")
print("to stderr", file=sys.stderr)


def handler(event, context):
    logging.warning("answering")
