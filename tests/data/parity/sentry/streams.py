"""Streams that Sentry watches, with its own transport. The event names one, and whether it fails after a chunk."""

import asyncio
import os
import threading

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.utils import TimeoutThread

from lambda_streamify import open_stream, streaming

sentry_sdk.init(
    dsn=os.environ["SENTRY_DSN"],
    traces_sample_rate=1.0,
    integrations=[AwsLambdaIntegration(timeout_warning="TIMEOUT_WARNING" in os.environ)],
)


class Broken(Exception):
    pass


def chunks(event):
    with sentry_sdk.start_span(name="while it streams"):
        yield "one"
    if "warned" in event:  # as a stream that is still not over when the time is nearly up
        for thread in threading.enumerate():
            if isinstance(thread, TimeoutThread):
                thread.join()
    if "fail" in event:
        raise Broken("midway")
    yield "two"


def generator(event, context):
    yield from chunks(event)


def plain_dict(event, context):
    return {"statusCode": 200, "body": chunks(event)}


async def async_generator(event, context):
    for chunk in chunks(event):
        await asyncio.sleep(0)
        yield chunk


async def coroutine(event, context):
    await asyncio.sleep(0)
    return {"statusCode": 200, "body": async_generator(event, context)}


def written(event, context):
    with open_stream() as out:
        for chunk in chunks(event):
            out.write(chunk)


streaming_generator = streaming(generator)
streaming_async_generator = streaming(async_generator)
streaming_coroutine = streaming(coroutine)


def swallowing(event, context):
    try:
        return streaming_generator(event, context)
    except Broken:
        return None


def handler(event, context):
    return globals()[event["stream"]](event, context)
