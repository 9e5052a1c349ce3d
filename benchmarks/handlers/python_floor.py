"""The least that a runtime in Python can do: ask for the first invocation, with nothing imported but sockets."""

import os
from _socket import socket

host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
connection = socket()
connection.connect((host, int(port)))
connection.send(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n")
connection.recv(1)
