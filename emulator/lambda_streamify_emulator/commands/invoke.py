"""`streamify invoke`: yields the events of a function's response as soon as each arrives."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..account import REGION
from ..clients.signing import DEFAULT_ENDPOINT
from ..clients.url_client import READ_TIMEOUT_S, ask, is_url
from ..errors import EmulatorError, EndpointError, NoUrlError, PreludeError
from ..invocations.prelude import DELIMITER, PreludeParser
from ..recordings.recorder import Recorder, create, now
from ..recordings.recording import END, ERROR, HEAD, Event, Header, chunk_event, error_message
from .http_request import HttpRequest

_URL_WITHOUT_SCHEME = re.compile(r"(?!arn:)([^:]*\.|localhost:|.*/)")
_NOT_FOUND = "Function not found: "


def invoke(
    name: str, event: bytes, clock: Callable[[], float] = time.monotonic, *, remote: bool = False
) -> Iterator[Event]:
    """Invoke the function `name` through the Lambda API with a streamed response.

    Yield the events of a recording. The endpoint is AWS_ENDPOINT_URL_LAMBDA, by default an emulator on its default
    port. With `remote` it is AWS, with the credentials and the region that the AWS CLI would use.
    """
    with _lambda_client(name, remote=remote) as client:
        start = clock()

        def elapsed() -> int:
            return int((clock() - start) * 1_000_000)

        with closing(client.invoke_with_response_stream(FunctionName=name, Payload=event)["EventStream"]) as stream:
            yield from _read(stream, elapsed)


def url_of(name: str, *, remote: bool = False) -> str:
    """Look up the URL of the function `name`, at the same endpoint as `invoke`. Raises NoUrlError if it has none."""
    with _lambda_client(name, remote=remote) as client:
        try:
            return str(client.get_function_url_config(FunctionName=name)["FunctionUrl"])
        except client.exceptions.ResourceNotFoundException:
            client.get_function_configuration(FunctionName=name)  # raises the error if there is no such function
            raise NoUrlError(
                f"{name} has no function URL, so it takes no HTTP requests: give it a FunctionUrlConfig"
            ) from None


@contextmanager
def _lambda_client(name: str, *, remote: bool) -> Iterator[Any]:
    """Yield a client of the Lambda API. Errors in the block are raised as EndpointError."""
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError
    from urllib3.exceptions import HTTPError  # botocore does not wrap it while a stream is read

    if _URL_WITHOUT_SCHEME.match(name):
        raise EndpointError(f"{name} is not a function's name; a URL begins with http:// or https://")
    endpoint = None if remote else os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT)
    place = endpoint or "AWS"
    if endpoint is not None and not is_url(endpoint):
        raise EndpointError(f"AWS_ENDPOINT_URL_LAMBDA={endpoint}: it must begin with http:// or https://")
    try:
        client = _client(endpoint)
    except (BotoCoreError, ValueError) as error:
        raise EndpointError(f"no client for Lambda at {place}: {error}") from error
    try:
        with closing(client):
            yield client
    except EndpointConnectionError as error:
        hint = "" if remote else ": start the emulator with `streamify serve`"
        raise EndpointError(f"nothing answers at {place}{hint}") from error
    except ClientError as error:
        problem = error.response["Error"]
        hint = _known_functions(endpoint) if endpoint and problem["Message"].startswith(_NOT_FOUND) else ""
        raise EndpointError(f"{name}: {problem['Code']}: {problem['Message']}{hint}") from error
    except (HTTPClientError, HTTPError, ParserError) as error:
        raise EndpointError(f"the connection to {place} broke: {error}") from error
    except BotoCoreError as error:
        raise EndpointError(f"{name!r} cannot be invoked: {' '.join(str(error).split())}") from error


def _known_functions(endpoint: str) -> str:
    """Return a hint with the names of the emulator's functions; "" if it does not list them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with closing(_client(endpoint)) as client:
            functions = client.list_functions()["Functions"]
    except (BotoCoreError, ClientError):
        return ""
    return f"; there are {', '.join(function['FunctionName'] for function in functions)}"


def invoke_target(
    target: str, event: bytes | None, request: HttpRequest | None = None, *, remote: bool, record: Path | None
) -> Iterator[Event]:
    """Yield the events of the response of a function or a URL. If `record` is given, write them to it.

    A `request` goes to the URL, or to that of the function; otherwise a function gets the `event`, by default {}.
    """
    if is_url(target) or request is not None:
        request = request or HttpRequest()
        url = request.url(target if is_url(target) else url_of(target, remote=remote))
        events = ask(url, request.body, request.headers, method=request.method)
    else:
        events = invoke(target, event or b"{}", remote=remote)
    return events if record is None else recorded(events, record, target)


def recorded(events: Iterator[Event], path: Path, function: str) -> Iterator[Event]:
    """Yield the events as they arrive, and record them in the file `path`."""
    header = Header("client", {"function": function, "recorded": now()})
    try:
        recorder = Recorder(create(path), header)
    except OSError as error:
        raise EmulatorError(f"the recording {path} cannot be written: {error.strerror}") from error
    try:
        for event in events:
            recorder.event(event)
            yield event
    finally:
        try:
            recorder.close()
        except OSError as error:
            raise EmulatorError(f"the recording {path} is not complete: {error.strerror}") from error


def _client(endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    # Without retries, because an invocation must not be repeated.
    config = Config(read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": 1})
    credentials: dict[str, Any] = {"region_name": os.environ.get("AWS_REGION")}  # the AWS CLI reads it, boto3 does not
    if endpoint is not None and urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1"):
        # Without a proxy, even if HTTP_PROXY is set: to a proxy, a loopback address is its own machine.
        config = config.merge(Config(proxies={}))
        credentials = {"aws_access_key_id": "streamify", "aws_secret_access_key": "streamify", "region_name": REGION}
    return boto3.client("lambda", endpoint_url=endpoint, config=config, **credentials)


def _read(stream: Any, elapsed: Callable[[], int]) -> Iterator[Event]:
    chunks = size = 0
    head: PreludeParser | None = PreludeParser()
    for event in stream:
        if "InvokeComplete" in event:
            complete = event["InvokeComplete"]
            if "ErrorCode" in complete:
                message = error_message(complete.get("ErrorDetails", ""))
                yield Event(elapsed(), ERROR, {"type": complete["ErrorCode"], "message": message})
            reason = "error" if "ErrorCode" in complete else "end"
            yield Event(elapsed(), END, {"reason": reason, "bytes": size, "chunks": chunks})
            return
        data: bytes = event["PayloadChunk"]["Payload"]
        if head is not None:
            # Lambda passes the prelude of an HTTP response on unchanged; nothing announces whether there is one.
            parsed = _prelude(head, data)
            head = None
            if parsed is not None:
                prelude, data = parsed
                fields = {"headers": dict(prelude.headers), "cookies": list(prelude.cookies)}
                yield Event(elapsed(), HEAD, {"status_code": prelude.status, **fields})
        if data:
            chunks, size = chunks + 1, size + len(data)
            yield chunk_event(elapsed(), data)
    raise EndpointError("the response ended without InvokeComplete, so it may be incomplete")


def _prelude(parser: PreludeParser, data: bytes) -> Any:
    if not data.startswith(b"{") or DELIMITER not in data:
        return None
    try:
        return parser.feed(data)
    except PreludeError:
        return None
