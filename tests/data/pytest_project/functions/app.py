import json
from socket import create_connection

from lambda_streamify import StreamingResponse, ndjson, sse

WORDS = ["Once", "upon", "a", "time"]


def story(event, context):
    body = sse.events(sse.Event({"word": word}, id=str(number)) for number, word in enumerate(WORDS))
    return StreamingResponse(body, cookies=["seen=1; Path=/"])


def rows(event, context):
    asked = json.loads(event["body"])

    def generate():
        for number in range(asked["rows"]):
            print(f"row {number} of {asked['name']}")
            yield {"row": number, "text": "x" * asked.get("size", 0)}

    return StreamingResponse(ndjson.lines(generate()))


def collected(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": " ".join(WORDS)}


def failing(event, context):
    def generate():
        yield "one "
        yield "two "
        raise KeyError("time")

    print("about to fail")
    if event.get("rawPath") == "/at-once":
        raise ValueError("no")
    return {"statusCode": 200, "body": generate()}


def gated(event, context):
    """Yields a word each time that its caller opens the gate."""
    with create_connection((event["host"], event["port"])) as gate:
        for word in WORDS:
            yield f"{word} "
            gate.recv(1)
