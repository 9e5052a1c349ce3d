"""Has loggers of its own class."""

import logging


class Shouting(logging.Logger):
    def makeRecord(self, *arguments, **keywords):
        record = super().makeRecord(*arguments, **keywords)
        record.msg = str(record.msg).upper()
        return record


logging.setLoggerClass(Shouting)


def handler(event, context):
    logging.getLogger("loud").error("shouted")
