"""Answers a chat with a model of Amazon Bedrock, as server-sent events.

POST {"prompt": "..."}, or {"messages": [{"role": "user", "content": "..."}, ...]} with the whole conversation. Events:

    data: {"text":"..."}                    for each piece of text from the model
    event: done, {"stopReason":"..."}       at the end, with the usage in tokens; "deadline" if time ran out
    event: error, {"error":"..."}           at the end if the model fails, with `retry` if another try may succeed
"""

import base64
import json
import os
from contextlib import closing

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError  # botocore does not wrap it while a stream is read

from lambda_streamify import StreamingResponse, deadline, keepalive, sse

MODEL_ID = os.environ["MODEL_ID"]
MAX_TOKENS = 2048  # per answer. It limits the cost of a call: a client that disconnects does not stop the function.
MAX_SILENCE = 60  # seconds that the model may take before the next word

# Created once, so that warm invocations reuse its connections. It does not retry: the error event leaves that to the
# client, which knows whether someone is still waiting.
bedrock = boto3.client(
    "bedrock-runtime",
    config=Config(connect_timeout=5, read_timeout=MAX_SILENCE, retries={"total_max_attempts": 1}),
)

# Temporary errors, and the milliseconds after which a retry makes sense.
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
    # A wait for Bedrock cannot be interrupted, so the margin is longer than the longest wait.
    time = deadline(context, margin=MAX_SILENCE + 10)
    items = time.limit(answer(messages), last=sse.Event({"stopReason": "deadline"}, event="done"))
    events = sse.events(items, on_error=tell)
    return StreamingResponse(keepalive(events, every=15), headers={"cache-control": "no-cache"})


def conversation(event):
    """Returns the request's messages in Bedrock's format; raises ValueError with a text for the client."""
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
    # Called here and not in the handler, so that keepalive comments are sent while the model reads a long conversation.
    response = bedrock.converse_stream(modelId=MODEL_ID, messages=messages, inferenceConfig={"maxTokens": MAX_TOKENS})
    end = {}
    with closing(response["stream"]) as stream:  # closed at the deadline, so that Bedrock stops
        for event in stream:
            if "contentBlockDelta" in event:
                text = event["contentBlockDelta"]["delta"].get("text")
                # Reasoning is not shown. A comment replaces it, because the deadline is checked only between items.
                yield {"text": text} if text else sse.Event(comment="thinking")
            elif "messageStop" in event:
                end["stopReason"] = event["messageStop"]["stopReason"]
            elif "metadata" in event:
                end["usage"] = event["metadata"]["usage"]
    yield sse.Event(end, event="done")


def tell(error):
    """Returns the last event of a failed answer. Details are only logged: they may name accounts and resources."""
    code = code_of(error)
    message = "The model cannot answer."
    if code in RETRY:
        message = "The model cannot answer now. Try again later."
    elif code == "ValidationException":  # for example, the conversation is too long for the model
        message = error.response["Error"]["Message"]
    return sse.Event({"error": code, "message": message}, event="error", retry=RETRY.get(code))


def code_of(error):
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        return code[0].upper() + code[1:]  # within a stream it begins with a lower-case letter
    if isinstance(error, (HTTPClientError, HTTPError)):  # Bedrock sent nothing for too long, or disconnected
        return "ConnectionError"
    return type(error).__name__
