"""A function behind a WebSocket API. It prints the events of connections, and answers a message as it asks."""

import json
from socket import create_connection

import boto3

api = boto3.client("apigatewaymanagementapi")


def handler(event, context):
    kind = event["requestContext"]["eventType"]
    if kind == "CONNECT":
        print("connected", json.dumps(event))
        query = event.get("queryStringParameters") or {}
        asked = event["headers"].get("sec-websocket-protocol")
        headers = {"Sec-WebSocket-Protocol": asked.split(",")[-1].strip()} if asked else {}
        return {"statusCode": int(query.get("status", 200)), "headers": headers}
    if kind == "DISCONNECT":
        print("disconnected", json.dumps(event))
        return {"statusCode": 200}
    message = json.loads(event["body"])
    answer = MESSAGES.get(message.get("do"))
    if answer is not None:
        answer(event["requestContext"]["connectionId"], message)
    return {"statusCode": 200, "body": json.dumps(event)}


def count(connection, message):
    host, port = message["gate"].split(":")
    with create_connection((host, int(port))) as gate:
        for number in range(3):
            send(connection, {"number": number})
            gate.sendall(b"?")
            gate.recv(1)


def describe(connection, message):
    found = api.get_connection(ConnectionId=connection)
    del found["ResponseMetadata"]
    send(connection, json.loads(json.dumps(found, default=str)))


def delete(connection, message):
    api.delete_connection(ConnectionId=connection)


def absent(connection, message):
    try:
        api.post_to_connection(ConnectionId="absent=", Data=b"x")
    except api.exceptions.GoneException as error:
        send(connection, {"status": error.response["ResponseMetadata"]["HTTPStatusCode"]})


def large(connection, message):
    try:
        api.post_to_connection(ConnectionId=connection, Data=b"x" * (128 * 1024 + 1))
    except api.exceptions.PayloadTooLargeException as error:
        send(connection, {"status": error.response["ResponseMetadata"]["HTTPStatusCode"]})


def fail(connection, message):
    raise LookupError("asked to")


def send(connection, message):
    api.post_to_connection(ConnectionId=connection, Data=json.dumps(message).encode())


MESSAGES = {
    "count": count,
    "describe": describe,
    "delete": delete,
    "absent": absent,
    "large": large,
    "fail": fail,
}
