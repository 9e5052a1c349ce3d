"""Configures logging by a dictionary, which replaces the root logger's handlers."""

import logging.config

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
        "root": {"level": "INFO", "handlers": ["out"]},
    }
)


def handler(event, context):
    logging.info("informed")
    logging.getLogger("a.b").error("failed")
    raise ValueError("reported all the same")
