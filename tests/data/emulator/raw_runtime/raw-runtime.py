"""A runtime without manners: what it answers, and how, stands in the event of a function URL, in the query."""

import base64
import json
import os
from contextlib import suppress
from http.client import HTTPConnection

VERSION = "/2018-06-01/runtime/invocation"


def main() -> None:
    while True:
        connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        connection.request("GET", f"{VERSION}/next")
        response = connection.getresponse()
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        query = json.loads(response.read())["queryStringParameters"]
        connection.putrequest("POST", f"{VERSION}/{request_id}/response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Content-Type", query["content_type"])
        if query.get("trailer"):
            connection.putheader("Trailer", query["trailer"])
        connection.endheaders()
        body = base64.b64decode(query["reply"])
        # What comes behind the last chunk is the event's business too, so that it can be left out.
        with suppress(OSError):  # it was hung up on
            connection.send((b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + query["end"].encode())
            if query["end"].endswith("\r\n\r\n"):
                connection.sock.recv(65536)
        connection.close()


main()
