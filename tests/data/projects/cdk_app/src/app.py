"""A function that streams, and one that does not."""

from words import chunks


def story(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": chunks(event)}


def item(event, context):
    return {"statusCode": 200, "body": f"{event['resource']} {event['httpMethod']} {event['pathParameters']}"}
