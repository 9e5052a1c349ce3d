"""`streamify invoke`: a response to the terminal, each chunk the moment it arrives, with its time beside it."""

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from . import terminal
from .errors import EndpointError, PreludeError
from .intrinsics import REGION
from .prelude import DELIMITER, PreludeParser

DEFAULT_ENDPOINT = "http://127.0.0.1:4000"
# [microseconds since the request began, code, data]
Event = tuple[int, str, Any]


def invoke(name: str, event: bytes, clock: Callable[[], float] = time.monotonic) -> Iterator[Event]:
    """Invoke the function `name` through the Lambda API with a streamed response.

    Yields the events of a recording: `h` head, `o` text chunk, `b` base64 chunk, `e` error, `x` end. The endpoint is
    AWS_ENDPOINT_URL_LAMBDA, else the emulator's default port.
    """
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError
    from urllib3.exceptions import HTTPError  # botocore lets it through while a stream is read

    endpoint = os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT)
    try:
        client = _client(endpoint)
    except (BotoCoreError, ValueError) as error:
        raise EndpointError(f"no client for Lambda at {endpoint}: {error}") from error
    start = clock()

    def event_now(code: str, data: object) -> Event:
        return int((clock() - start) * 1_000_000), code, data

    try:
        with (
            closing(client),
            closing(client.invoke_with_response_stream(FunctionName=name, Payload=event)["EventStream"]) as stream,
        ):
            yield from _read(stream, event_now)
    except EndpointConnectionError as error:
        raise EndpointError(f"nothing answers at {endpoint}: start the emulator with `streamify serve`") from error
    except ClientError as error:
        problem = error.response["Error"]
        raise EndpointError(f"{name}: {problem['Code']}: {problem['Message']}") from error
    except (HTTPClientError, HTTPError, ParserError) as error:
        raise EndpointError(f"the connection to {endpoint} broke: {error}") from error
    except BotoCoreError as error:
        raise EndpointError(f"{name!r} cannot be invoked: {' '.join(str(error).split())}") from error


def show(events: Iterator[Event], *, as_json: bool) -> bool:
    """Print events as they come; returns whether the invocation succeeded."""
    succeeded = True
    for microseconds, code, data in events:
        succeeded = succeeded and code != "e"
        if as_json:
            print(json.dumps([microseconds, code, data], ensure_ascii=False), flush=True)  # noqa: T201
        else:
            _show(microseconds / 1_000_000, code, data)
    return succeeded


def _client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    # A stream may be silent for as long as its function runs, and a request must not be sent twice.
    config = Config(read_timeout=910, retries={"total_max_attempts": 1})
    credentials: dict[str, Any] = {}
    if urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1"):
        # None at all, not even HTTP_PROXY's: to a proxy, a loopback address is the proxy's own machine.
        config = config.merge(Config(proxies={}))
        credentials = {"aws_access_key_id": "streamify", "aws_secret_access_key": "streamify", "region_name": REGION}
    return boto3.client("lambda", endpoint_url=endpoint, config=config, **credentials)


def _read(stream: Any, event_now: Callable[[str, object], Event]) -> Iterator[Event]:
    chunks = size = 0
    head: PreludeParser | None = PreludeParser()
    for event in stream:
        if "InvokeComplete" in event:
            complete = event["InvokeComplete"]
            if "ErrorCode" in complete:
                yield event_now("e", {"type": complete["ErrorCode"], "details": complete.get("ErrorDetails", "")})
            reason = "error" if "ErrorCode" in complete else "end"
            yield event_now("x", {"reason": reason, "bytes": size, "chunks": chunks})
            return
        data: bytes = event["PayloadChunk"]["Payload"]
        if head is not None:
            # Lambda passes the prelude of an HTTP response on as it stands; nothing says that one comes.
            parsed = _prelude(head, data)
            head = None
            if parsed is not None:
                prelude, data = parsed
                yield event_now(
                    "h", {"status": prelude.status, "headers": dict(prelude.headers), "cookies": list(prelude.cookies)}
                )
        if data:
            chunks, size = chunks + 1, size + len(data)
            yield event_now(*_encoded(data))
    raise EndpointError("the response ended without saying whether it is whole")


def _prelude(parser: PreludeParser, data: bytes) -> Any:
    if not data.startswith(b"{") or DELIMITER not in data:
        return None
    try:
        return parser.feed(data)
    except PreludeError:
        return None


def _encoded(data: bytes) -> tuple[str, str]:
    try:
        return "o", data.decode("utf-8")
    except UnicodeDecodeError:
        return "b", base64.b64encode(data).decode("ascii")


def _show(seconds: float, code: str, data: Any) -> None:
    if code == "h":
        headers = "".join(f"\n{name}: {value}" for name, value in data["headers"].items())
        terminal.chunk(seconds, f"HTTP {data['status']}{headers}")
    elif code == "o":
        terminal.chunk(seconds, data)
    elif code == "b":
        terminal.chunk(seconds, f"{len(base64.b64decode(data))} bytes")
    elif code == "e":
        terminal.complain(f"after {seconds:.3f} s: {data['type']}: {_message(data['details'])}")
    else:
        terminal.say(f"{seconds:8.3f} s  {data['chunks']} chunks, {data['bytes']} bytes")


def _message(details: str) -> str:
    try:
        return str(json.loads(details)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return details
