"""Sends a story over a WebSocket, token by token: each message of the client gets its own answer.

The function returns nothing to stream. It posts each token to the connection, through API Gateway.
"""

import json
import time

import boto3

STORY = "Once upon a time a message found its way back, word by word, before the whole story was known."
GAP_S = 0.03  # about the pace of a language model

# The variable AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI leads it to the API: see template.yaml.
api = boto3.client("apigatewaymanagementapi")


def lambda_handler(event, context):
    request = event["requestContext"]
    if request["eventType"] == "MESSAGE":
        answer(request["connectionId"], event["body"])
    # For CONNECT, another status refuses the client. For DISCONNECT, nobody reads it.
    return {"statusCode": 200}


def answer(connection, body):
    message = read(body)
    if message is None:
        send(connection, {"error": 'send JSON such as {"action": "ask", "id": 1}'})
        return
    for token in tokens():
        if not send(connection, {"id": message.get("id"), "token": token}):
            print(f"{connection} is gone")
            return
    send(connection, {"id": message.get("id"), "done": True})


def read(body):
    """Returns the message, or None if it is not an object in JSON."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def tokens():
    for number, word in enumerate(STORY.split(" ")):
        if number:
            time.sleep(GAP_S)
        yield word if number == 0 else f" {word}"


def send(connection, message):
    """Returns whether the client is still connected."""
    try:
        api.post_to_connection(ConnectionId=connection, Data=json.dumps(message).encode())
    except api.exceptions.GoneException:
        return False
    return True
