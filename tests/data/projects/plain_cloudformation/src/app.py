"""Streams a story."""

from words import chunks


def lambda_handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": chunks(event)}
