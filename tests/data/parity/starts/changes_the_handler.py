"""Gives the handler that is there another format and a level."""

import logging

handler_there = logging.getLogger().handlers[0]
handler_there.setFormatter(logging.Formatter("%(aws_request_id)s: %(message)s!\n"))
handler_there.setLevel("ERROR")


def handler(event, context):
    logging.warning("not shown")
    logging.error("shown")
