"""Configures logging as a first tutorial does."""

import logging

logging.basicConfig(level=logging.INFO, format="mine: %(message)s")


def handler(event, context):
    logging.info("informed")
    logging.error("failed")
    return len(logging.getLogger().handlers)
