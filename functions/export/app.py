"""Exports a DynamoDB table as NDJSON, page by page: the whole table, or one partition with `?pk=VALUE`.

    {"item":{...}}          one line per item
    {"cursor":"..."}        after each page: `?cursor=...` continues from here
    {"end":true}            the last line, after everything has been sent
    {"error":"..."}         the last line, if the table cannot be read any further

Without `end`, for any reason (the function's timeout, the limit on responses, an error, a broken connection), the
client continues with the last cursor that it received, and drops the items after it, because they are sent again.
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
PAGES = 60  # A page is 1 MB in DynamoDB and up to 3 MB as JSON; Lambda ends a response at 200 MB.

# Created once, so that warm invocations reuse its connections. With all retries, a page takes less than a minute.
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
    time = deadline(context, margin=60)  # for one more page, and for sending it to a slow client
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
        raise ValueError(cursor)  # noqa: TRY004 - the same error as for invalid JSON
    return key


def plain(value):
    """Converts a DynamoDB type that JSON does not have to one that it has."""
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, Binary):
        return base64.b64encode(value.value).decode()
    if isinstance(value, set):
        return list(value)
    raise TypeError(f"DynamoDB has no {type(value).__name__}")


def exact(number):
    """Returns a number if no digit is lost, otherwise text.

    Most JSON parsers convert numbers to floats of about 16 digits; DynamoDB has up to 38. RFC 7493, section 2.2,
    recommends text for numbers that do not fit.
    """
    near = float(number)
    if Decimal(repr(near)) != number:
        return str(number)
    return int(near) if near.is_integer() and abs(near) < 2**53 else near


def tell(error):
    """Returns the last line of a failed export. Details are only logged: they may name accounts and resources."""
    return {"error": error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__}
