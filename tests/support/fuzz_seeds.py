"""Where fuzzing begins: inputs of each parser that are as they should be; and where findings are kept."""

import gzip
import zlib
from base64 import b64encode
from pathlib import Path

from lambda_streamify_emulator.invocations.prelude import DELIMITER
from processes import ROOT

CORPUS = ROOT / "tests" / "data" / "fuzz"
"""A folder for each target, with what has failed once and must not again."""

INPUT_LIMIT = 4096  # bytes: the readers count some of their limits by what comes at a time, all of them beyond this


def _next_answer(event: Path) -> bytes:
    body = event.read_bytes()[:2000]
    identity = b64encode(event.name.encode()).decode()
    fields = f"Content-Length: {len(body)}\r\nLambda-Runtime-Aws-Request-Id: {identity}\r\n"
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + body


# As AWS's Runtime Interface Emulator answers.
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n"
_POST = b"POST /2018-06-01/runtime/invocation/8476a536/response HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
_PRELUDE = b'{"statusCode": 201, "headers": {"content-type": "text/plain", "x-a": "b"}, "cookies": ["a=b"]}' + DELIMITER
_CREDENTIAL = b"Credential=AKIDEXAMPLE/20260726/us-east-1/lambda/aws4_request"
_IN_QUERY = (
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE&X-Amz-Date=20260726T200000Z&X-Amz-Expires=60"
)
_CORS = b'{"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "AllowCredentials": true}\nhttps://a.example'
_TEMPLATE = b"""
Parameters: {A: {Type: String, Default: b}}
Globals: {Function: {Runtime: python3.11, Handler: app.handler, CodeUri: .}}
Conditions: {C: !Equals [!Ref A, b]}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${A}-f"
      Environment: {Variables: {X: !Join ["-", [a, !Ref A]]}}
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ["*"]}}
      Events: {Api: {Type: Api, Properties: {Path: "/{proxy+}", Method: GET}}}
"""

_SEEDS = {
    "runtime_answer": [_ACCEPTED, _INTERIM + _CHUNKED, *map(_next_answer, sorted((ROOT / "events").glob("*.json")))],
    "wire": [
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n",
        _POST + b"Content-Length: 5\r\n\r\n12345",
        _POST + b"Trailer: A, B\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: x\r\nB: y\r\n\r\n",
        _POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
    ],
    "http_response": [_ACCEPTED, _INTERIM + _CHUNKED, b"HTTP/1.0 200 OK\r\n\r\nbody"],
    "event_stream": [
        b"\xef\xbb\xbfretry: 10\r\nid: 1\rdata: a\ndata:b\n\nevent: done\ndata\n\n",
        b": comment\n\nid\ndata: c\r\n\r\ndata: d",
    ],
    "prelude": [_PRELUDE + b"body", b"{}" + DELIMITER],
    "recording": [
        b"".join(file.read_bytes().splitlines(keepends=True)[:6]) for file in sorted((ROOT / "events").glob("*.ndjson"))
    ],
    "sigv4": [
        b"GET\n/a%20b/../c\nb=2&a=1\nhost:127.0.0.1:4001\nx-amz-date:20260726T200000Z\n\nbody",
        b"POST\n/\n\nauthorization:AWS4-HMAC-SHA256 " + _CREDENTIAL + b", SignedHeaders=host, Signature=0\n\n{}",
        b"GET\n/\n" + _IN_QUERY + b"&X-Amz-SignedHeaders=host&X-Amz-Signature=0\n\n",
    ],
    "template": [_TEMPLATE, (ROOT / "tests" / "data" / "emulator" / "template.yaml").read_bytes()],
    "cors": [_CORS, b'{"AllowOrigins": ["*"], "ExposeHeaders": ["x-a"], "MaxAge": 60}\nhttps://b.example'],
    "encoding": [gzip.compress(b"chunk " * 20, mtime=0), zlib.compress(b"a"), gzip.compress(b"", mtime=0) * 2],
}


def seeds(target: str) -> list[bytes]:
    """Return the inputs of this parser for the fuzzer to change."""
    return [data[:INPUT_LIMIT] for data in _SEEDS[target]]
