"""A runtime that takes so little memory and time that hundreds of them start at once on one machine.

It imports nothing that Python itself has not imported already. It has a thread for each invocation that it may run at a
time, and answers any event with a stream: its process id and the thread's number on a line, then, once it has been let
through the gate, the same line again and again.
"""

import sys
from pathlib import Path

LINES = 5_000
"""How often the line is sent after the gate."""

_SCRIPT = f"""#!{getattr(sys, "_base_executable", sys.executable)} -ISEu
import _socket
from _thread import start_new_thread
from posix import environ, getpid

def connect(address):
    host, _, port = address.decode().rpartition(":")
    connection = _socket.socket()
    connection.connect((host, int(port)))
    return connection

def send(api, data):
    data = memoryview(data)
    while data:
        data = data[api.send(data):]

def call(api, method, path, headers=""):
    head = f"{{method}} /2018-06-01/runtime/{{path}} HTTP/1.1\\r\\nHost: {{host}}\\r\\n{{headers}}\\r\\n"
    send(api, head.encode())

def answer(api):
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        head += api.recv(65536)
    head, _, body = head.partition(b"\\r\\n\\r\\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\\r\\n")[1:])
    left = int(fields[b"content-length"]) - len(body)
    while left:
        left -= len(api.recv(left))
    return fields

def work(number):
    api = connect(host.encode())
    line = b"%d.%d\\n" % (getpid(), number)
    while True:
        call(api, "GET", "invocation/next")
        request_id = answer(api)[b"lambda-runtime-aws-request-id"].decode()
        call(api, "POST", f"invocation/{{request_id}}/response",
            "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n")
        send(api, b"%x\\r\\n%b\\r\\n" % (len(line), line))
        gate = connect(environ[b"GATE"])
        assert gate.recv(1) == b"!"
        rest = line * {LINES}
        send(api, b"%x\\r\\n%b\\r\\n0\\r\\n\\r\\n" % (len(rest), rest))
        answer(api)

host = environ[b"AWS_LAMBDA_RUNTIME_API"].decode()
for number in range(1, int(environ.get(b"AWS_LAMBDA_MAX_CONCURRENCY", 1))):
    start_new_thread(work, (number,))
work(0)
"""


def write_template(folder: Path, gate: str) -> Path:
    """Return the template of one function, `thin`, which finds its gate at this address."""
    (folder / "code").mkdir()
    bootstrap = folder / "code" / "bootstrap"
    bootstrap.write_text(_SCRIPT)
    bootstrap.chmod(0o755)
    path = folder / "template.yaml"
    path.write_text(f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Thin:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: thin
      Handler: none
      Runtime: provided.al2023
      CodeUri: code
      Timeout: 900
      Environment: {{Variables: {{GATE: "{gate}"}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
""")
    return path
