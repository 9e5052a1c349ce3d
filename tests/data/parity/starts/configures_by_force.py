"""Replaces the root logger's handler."""

import logging

logging.basicConfig(level=logging.INFO, format="mine: %(message)s", force=True)


def handler(event, context):
    logging.info("informed")
    context.log("without a log_sink\n")
    return len(logging.getLogger().handlers)
