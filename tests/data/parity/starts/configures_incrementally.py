"""Configures logging by a dictionary that leaves the handlers alone."""

import logging.config

logging.config.dictConfig({"version": 1, "incremental": True, "root": {"level": "DEBUG"}})


def handler(event, context):
    logging.debug("debugging")
