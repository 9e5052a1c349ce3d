"""Sets the root logger's level."""

import logging

logging.getLogger().setLevel("DEBUG")


def handler(event, context):
    logging.debug("debugging")
    return logging.getLogger().level
