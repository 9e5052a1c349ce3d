"""Answers a chat with a model of Amazon Bedrock, as server-sent events.

POST {"prompt": "..."}, or {"messages": [{"role": "user", "content": "..."}, ...]} with all that was said. The events:

    data: {"text":"..."}                    whenever the model says something
    event: done, {"stopReason":"..."}       the last one, with the usage in tokens; "deadline" if the time was over
    event: error, {"error":"..."}           the last one if the model fails, with `retry` if it is worth another try
"""

import base64
import json
import os
from contextlib import closing

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError  # botocore lets it through while a stream is read

from lambda_streamify import StreamingResponse, deadline, keepalive, sse

MODEL_ID = os.environ["MODEL_ID"]
MAX_TOKENS = 2048  # of one answer. It bounds what a call costs: a client that hangs up does not stop the function.
MAX_SILENCE = 60  # seconds that the model may think before it says the next word

# Made once, so that warm invocations use its connections again. It does not try twice: the error event leaves that to
# the client, which knows whether somebody still waits.
bedrock = boto3.client(
    "bedrock-runtime",
    config=Config(connect_timeout=5, read_timeout=MAX_SILENCE, retries={"total_max_attempts": 1}),
)

# Errors that pass, and the milliseconds after which another try makes sense.
RETRY = {
    "ThrottlingException": 10_000,
    "ModelNotReadyException": 10_000,
    "ServiceUnavailableException": 5_000,
    "InternalServerException": 2_000,
    "ModelStreamErrorException": 2_000,
    "ModelTimeoutException": 2_000,
    "ConnectionError": 2_000,
}


def lambda_handler(event, context):
    try:
        messages = conversation(event)
    except ValueError as error:
        return {
            "statusCode": 400,
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"message": str(error)}),
        }
    # A wait for Bedrock cannot be interrupted: the margin is longer than any.
    time = deadline(context, margin=MAX_SILENCE + 10)
    items = time.limit(answer(messages), last=sse.Event({"stopReason": "deadline"}, event="done"))
    events = sse.events(items, on_error=tell)
    return StreamingResponse(keepalive(events, every=15), headers={"cache-control": "no-cache"})


def conversation(event):
    """Returns the request's messages in Bedrock's form; raises ValueError, with a text for the client."""
    body = event.get("body") or ""
    try:
        asked = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError:
        raise ValueError('the body is not JSON, such as {"prompt": "Hello"}') from None
    if not isinstance(asked, dict) or ("prompt" in asked) == ("messages" in asked):
        raise ValueError("the body must be an object with either `prompt` or `messages`")
    messages = asked.get("messages", [{"role": "user", "content": asked.get("prompt")}])
    if not isinstance(messages, list) or not messages or not all(map(is_message, messages)):
        raise ValueError("each message needs a `role`, user or assistant, and a text, its `content`")
    return [{"role": message["role"], "content": [{"text": message["content"]}]} for message in messages]


def is_message(message):
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
        return False
    content = message.get("content")
    return isinstance(content, str) and content.strip() != ""


def answer(messages):
    # Called here and not in the handler, so that signs of life are sent while the model reads a long conversation.
    response = bedrock.converse_stream(modelId=MODEL_ID, messages=messages, inferenceConfig={"maxTokens": MAX_TOKENS})
    end = {}
    with closing(response["stream"]) as stream:  # at the deadline this hangs up, and Bedrock stops
        for event in stream:
            if "contentBlockDelta" in event:
                text = event["contentBlockDelta"]["delta"].get("text")
                # Reasoning is not shown. But the deadline looks at the clock only between two items, so there is one.
                yield {"text": text} if text else sse.Event(comment="thinking")
            elif "messageStop" in event:
                end["stopReason"] = event["messageStop"]["stopReason"]
            elif "metadata" in event:
                end["usage"] = event["metadata"]["usage"]
    yield sse.Event(end, event="done")


def tell(error):
    """Returns the last event of an answer that fails. The rest is in the log: it may name accounts and resources."""
    code = code_of(error)
    message = "The model cannot answer."
    if code in RETRY:
        message = "The model cannot answer now. Try again later."
    elif code == "ValidationException":  # such as a conversation that is too long for the model
        message = error.response["Error"]["Message"]
    return sse.Event({"error": code, "message": message}, event="error", retry=RETRY.get(code))


def code_of(error):
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        return code[0].upper() + code[1:]  # within a stream it begins with a small letter
    if isinstance(error, (HTTPClientError, HTTPError)):  # Bedrock was silent for too long, or hung up
        return "ConnectionError"
    return type(error).__name__
