"""Shows the event, whose format is that of the route."""

import json


def lambda_handler(event, context):
    if event.get("rawPath") == "/fails":
        raise LookupError("as asked")
    if event.get("rawPath") == "/streams":
        return {"statusCode": 201, "body": (f"chunk {number}\n" for number in range(3))}
    if event["version"] == "1.0":
        return {"statusCode": 200, "body": json.dumps(event), "multiValueHeaders": {"x-many": ["a", "b"]}}
    return event
