"""Asks a model of Amazon Bedrock, by ConverseStream."""

import json
import os
from contextlib import closing

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError  # botocore does not wrap it while a stream is read

from models import End, ModelError, Text, Thinking, ToolCall

MODEL_ID = os.environ["MODEL_ID"]
MAX_TOKENS = 2048  # of one answer: it limits what a call can cost
MAX_SILENCE = 60  # seconds that the model may take before the next piece

# Created once, so that warm invocations reuse its connections. It does not retry: the error event leaves that to the
# page, which knows whether someone is still waiting.
client = boto3.client(
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


def answer(system, messages, tools):
    try:
        response = client.converse_stream(
            modelId=MODEL_ID,
            system=[{"text": system}],
            messages=messages,
            toolConfig={"tools": tools},
            inferenceConfig={"maxTokens": MAX_TOKENS},
        )
        with closing(response["stream"]) as stream:  # closed when the run is stopped, so that Bedrock stops
            yield from items(stream)
    except (ClientError, HTTPClientError, HTTPError) as error:
        raise failure(error) from error


def items(stream):
    """Turns the events of ConverseStream into items. A tool's input arrives in pieces of JSON."""
    tool, written = None, ""
    stop_reason, usage = "end_turn", {}
    for event in stream:
        if "contentBlockStart" in event:
            tool, written = event["contentBlockStart"]["start"].get("toolUse"), ""
        elif "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            written += delta.get("toolUse", {}).get("input", "")
            yield Text(delta["text"]) if delta.get("text") else Thinking()  # reasoning is not shown
        elif "contentBlockStop" in event and tool:
            yield ToolCall(tool["toolUseId"], tool["name"], json_object(written or "{}"))
            tool = None
        elif "messageStop" in event:
            stop_reason = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            usage = event["metadata"]["usage"]
    yield End(stop_reason, usage)


def json_object(text):
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def failure(error):
    code, message = code_of(error), "The model cannot answer."
    if code in RETRY:
        message = "The model cannot answer now."
    elif code == "ValidationException":  # for example, the conversation is too long for the model
        message = error.response["Error"]["Message"]
    return ModelError(f"{code}: {error}", code=code, message=message, retry=RETRY.get(code))


def code_of(error):
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        return code[0].upper() + code[1:]  # within a stream it begins with a lower-case letter
    return "ConnectionError"  # Bedrock sent nothing for too long, or disconnected
