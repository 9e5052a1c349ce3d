"""Powertools around a stream: routes, logs, traces and metrics that are correct for a streamed response too.

`@streaming`, the innermost decorator, sends the stream during the handler's call. Metrics added while it streams
are therefore emitted, the trace ends when the stream ends, and both include an error in mid-stream.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit

from lambda_streamify import ndjson, streaming
from lambda_streamify.powertools import StreamingResponse

logger = Logger()
tracer = Tracer()
metrics = Metrics()
app = LambdaFunctionUrlResolver()

ORDERS = {
    "ann": [{"order": 1, "item": "lantern"}, {"order": 4, "item": "pencil"}],
    "bo": [{"order": 2, "item": "map"}, {"order": 3, "item": "boat"}, {"order": 5, "item": "oar"}],
}


@app.get("/customers/<name>/orders")
def orders(name):
    if name not in ORDERS:
        raise NotFoundError(f"There is no customer {name}.")
    return StreamingResponse(ndjson.lines(found(name)))


def found(name):
    logger.append_keys(customer=name)
    for order in ORDERS[name]:
        with tracer.provider.in_subsegment("## load"):
            logger.info("an order", extra=order)  # stands for a query
        metrics.add_metric("OrdersSent", MetricUnit.Count, 1)
        yield order


@logger.inject_lambda_context(correlation_id_path=correlation_paths.LAMBDA_FUNCTION_URL, clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
@streaming
def lambda_handler(event, context):
    return app.resolve(event, context)
