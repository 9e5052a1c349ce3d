"""Adds a field to each record."""

import logging

make = logging.getLogRecordFactory()


def made(*arguments, **keywords):
    record = make(*arguments, **keywords)
    record.service = "mine"
    return record


logging.setLogRecordFactory(made)


def handler(event, context):
    logging.error("with a field")
