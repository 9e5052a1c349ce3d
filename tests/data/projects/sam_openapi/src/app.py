"""Functions of REST APIs whose routes stand in OpenAPI definitions."""

import socket


def stream(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": _chunks(event)}


def item(event, context):
    return {"statusCode": 200, "body": f"{event['resource']} {event['httpMethod']} {event['pathParameters']}"}


def _chunks(event):
    host, _, port = event["queryStringParameters"]["gate"].partition(":")
    with socket.create_connection((host, int(port))) as gate:
        for number in range(3):
            yield f"chunk {number}\n"
            gate.sendall(b"?")
            assert gate.recv(1) == b"!"
