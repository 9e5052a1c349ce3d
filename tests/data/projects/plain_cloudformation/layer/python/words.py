"""What the functions of this project share."""

import socket


def chunks(event):
    """Yield three chunks, and wait after each one at the gate that the query names, as host:port."""
    host, _, port = event["queryStringParameters"]["gate"].partition(":")
    with socket.create_connection((host, int(port))) as gate:
        for number in range(3):
            yield f"chunk {number}\n"
            gate.sendall(b"?")
            assert gate.recv(1) == b"!"
