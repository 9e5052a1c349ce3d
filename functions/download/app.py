"""Serves the objects of an S3 bucket: GET or HEAD /the/key, whole or in part, without holding a whole object in memory.

S3 handles ranges, ETags and conditions, and the function passes its response on. Content-Length is missing: a streaming
function URL sends chunks, and the layer omits the header, because the URL would rename it to
x-amzn-remapped-content-length. A client that needs the size requests `Range: bytes=0-0`; it is in Content-Range.
"""

import os
import re
from contextlib import closing
from urllib.parse import quote, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = os.environ["BUCKET"]
CHUNK = 256 * 1024
# Lambda ends a response at 200 MB. For a larger object or range, the client is redirected to S3.
LARGEST = 200_000_000
LINK_SECONDS = 300

# Created once, so that warm invocations reuse its connections. The settings are for the links: without them botocore
# signs with an old version, and for an address outside the region.
s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

# A single range, which is what all clients send to resume and seek, and all that S3 supports. Any other is ignored, as
# RFC 9110 (14.2) allows: the client gets the whole object.
RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")
# Not content-encoding: a function URL was seen to decompress such bodies, and then ranges no longer fit together.
PASSED_ON = (
    *("cache-control", "content-disposition", "content-language", "content-range", "content-type"),
    *("etag", "expires", "last-modified"),
)
REFUSALS = {
    304: "",
    400: "This is no key of an object.\n",
    404: "There is no such object.\n",
    405: "Only GET and HEAD.\n",
    416: "The object has no such range.\n",
}


def lambda_handler(event, context):
    method, headers = event["requestContext"]["http"]["method"], event["headers"]
    if method not in ("GET", "HEAD"):
        return refusal(405, {"allow": "GET, HEAD"})
    key = key_of(event["rawPath"])
    if key is None:
        return refusal(404)
    try:
        found = get(key, headers) if method == "GET" else head(key, headers)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status not in REFUSALS:
            raise
        return refusal(status, explained(error.response))
    if method == "GET" and found["ContentLength"] > LARGEST:
        found["Body"].close()
        return {"statusCode": 307, "headers": {"location": link(key), "cache-control": "no-store"}}
    return {
        "statusCode": found["ResponseMetadata"]["HTTPStatusCode"],  # 200, or 206 for a range
        "headers": {
            "accept-ranges": "bytes",
            "content-disposition": disposition(key),
            "x-content-type-options": "nosniff",
            **passed_on(found),
        },
        "body": chunks(found["Body"]) if method == "GET" else "",
    }


def key_of(path):
    """Returns the key in the path of the request; None if no object can have it."""
    try:
        key = unquote(path.removeprefix("/"), errors="strict")
    except UnicodeDecodeError:
        return None
    # Dots would lead out of the bucket if the bucket is part of the path to S3.
    return key if key and {".", ".."}.isdisjoint(key.split("/")) else None


def head(key, headers):
    return s3.head_object(Bucket=BUCKET, Key=key, **condition(headers))


def get(key, headers):
    wanted = {"Bucket": BUCKET, "Key": key, **condition(headers)}
    if not RANGE.fullmatch(headers.get("range", "")):
        return s3.get_object(**wanted)
    part = {"Range": headers["range"]}
    if "if-range" in headers:
        part["IfMatch"] = headers["if-range"]
    try:
        return s3.get_object(**wanted, **part)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    return s3.get_object(**wanted)  # the object has changed since the client received the first part


def condition(headers):
    return {"IfNoneMatch": headers["if-none-match"]} if "if-none-match" in headers else {}


def chunks(body):
    with closing(body):
        yield from body.iter_chunks(CHUNK)


def passed_on(answer):
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return {name: headers[name] for name in PASSED_ON if name in headers}


def explained(answer):
    """Returns the headers of a request that S3 has refused."""
    headers = passed_on(answer)
    if answer["Error"]["Code"] == "InvalidRange":
        headers["content-range"] = f"bytes */{answer['Error']['ActualObjectSize']}"
    return headers


def refusal(status, headers=None):
    text = REFUSALS[status]
    kind = {"content-type": "text/plain"} if text else {}
    return {"statusCode": status, "headers": {**(headers or {}), **kind}, "body": text}


def disposition(key):
    """Makes browsers save the object: HTML would run as a page of this URL. Metadata of the object has priority."""
    return f"attachment; filename*=UTF-8''{quote(key.rsplit('/')[-1], safe='')}"


def link(key):
    """Returns a URL with which anyone can get this object from S3 for a few minutes."""
    wanted = {"Bucket": BUCKET, "Key": key, "ResponseContentDisposition": disposition(key)}
    return s3.generate_presigned_url("get_object", wanted, ExpiresIn=LINK_SECONDS)
