"""Exports a DynamoDB table as NDJSON, page by page: all of it, or with `?pk=VALUE` the items of one partition.

    {"item":{...}}          one line for each item
    {"cursor":"..."}        after each page: `?cursor=...` goes on from here
    {"end":true}            the last line, when everything has been sent
    {"error":"..."}         the last line, if the table cannot be read any further

Without `end`, whatever the reason (the function's time, the size of a response, an error, a broken connection), the
client goes on with the last cursor that it has got, and forgets the items behind it: they come again.
"""

import base64
import json
import os
from decimal import Decimal

import boto3
from boto3.dynamodb.types import Binary, TypeDeserializer
from botocore.config import Config
from botocore.exceptions import ClientError

from lambda_streamify import coalesce, deadline, ndjson

TABLE = os.environ["TABLE"]
PAGES = 60  # A page is 1 MB in DynamoDB, and up to three as JSON; Lambda ends a response at 200 MB.

# Made once, so that warm invocations use its connections again. With all its tries a page takes less than a minute.
dynamodb = boto3.client(
    "dynamodb", config=Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
)
value_of = TypeDeserializer().deserialize


def lambda_handler(event, context):
    query = event.get("queryStringParameters") or {}
    try:
        start = key_of(query["cursor"]) if "cursor" in query else None
    except ValueError:
        return {"statusCode": 400, "body": json.dumps({"message": "the cursor is none that was given out here"})}
    time = deadline(context, margin=60)  # for one more page and its way to a slow client
    lines = ndjson.lines(export(query.get("pk"), start, time), default=plain, on_error=tell)
    return {"statusCode": 200, "headers": {"cache-control": "no-store"}, "body": coalesce(lines)}


def export(partition, start, time):
    for number, page in enumerate(pages(partition, start), 1):
        for item in page["Items"]:
            yield {"item": {name: value_of(value) for name, value in item.items()}}
        if "LastEvaluatedKey" not in page:
            yield {"end": True}
            return
        yield {"cursor": cursor_of(page["LastEvaluatedKey"])}
        if number == PAGES or time.passed:
            return


def pages(partition, start):
    request = {"TableName": TABLE}
    if start is not None:
        request["ExclusiveStartKey"] = start
    if partition is None:
        return dynamodb.get_paginator("scan").paginate(**request)
    request["KeyConditionExpression"] = "pk = :pk"
    request["ExpressionAttributeValues"] = {":pk": {"S": partition}}
    return dynamodb.get_paginator("query").paginate(**request)


def cursor_of(key):
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def key_of(cursor):
    key = json.loads(base64.urlsafe_b64decode(cursor))
    if not isinstance(key, dict):
        raise ValueError(cursor)  # noqa: TRY004 - as for what is no JSON
    return key


def plain(value):
    """Returns what JSON has a form for, in place of DynamoDB's types that it has none for."""
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, Binary):
        return base64.b64encode(value.value).decode()
    if isinstance(value, set):
        return list(value)
    raise TypeError(f"DynamoDB has no {type(value).__name__}")


def exact(number):
    """Returns a number only if it keeps each digit as one: most readers of JSON make a float of it, of some 16 digits.

    DynamoDB's have up to 38. Those that do not fit are text (RFC 7493, 2.2, recommends it).
    """
    near = float(number)
    if Decimal(repr(near)) != number:
        return str(number)
    return int(near) if near.is_integer() and abs(near) < 2**53 else near


def tell(error):
    """Returns the last line of an export that fails. The rest is in the log: it may name accounts and resources."""
    return {"error": error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__}
