"""A function as Sentry's documentation sets it up, but for what stands for Sentry's server: standard output."""

import json
import logging

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.transport import Transport


class Printed(Transport):
    """Prints what it was given when it is told to send it, and whether there was anything."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)

    def flush(self, timeout, callback=None):
        print("flush", json.dumps([told(event) for event in self.events]))
        self.events.clear()


def told(event):
    exceptions = event.get("exception", {}).get("values", [])
    return {
        "message": event.get("logentry", {}).get("message"),
        "exceptions": [[one["type"], one["value"], one["mechanism"]["type"]] for one in exceptions],
        "functions": [frame["function"] for one in exceptions for frame in one["stacktrace"]["frames"]][-1:],
        "lambda": event.get("extra", {}).get("lambda", {}).get("aws_request_id"),
        "region": event.get("tags", {}).get("aws_region"),
    }


sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Printed, integrations=[AwsLambdaIntegration()])


def prepare(event):
    if event.get("fail"):
        raise ValueError("wrong")


def handler(event, context):
    prepare(event)
    if event.get("log"):
        logging.error("logged")
    return "answered"
