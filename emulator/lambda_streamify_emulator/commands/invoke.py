"""`streamify invoke`: a function's response as the events of a recording, each the moment it arrives."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import EmulatorError, EndpointError, PreludeError
from ..invocations.prelude import DELIMITER, PreludeParser
from ..recordings.recorder import Recorder, now
from ..recordings.recording import END, ERROR, HEAD, Event, Header, chunk_event, error_message
from ..template.intrinsics import REGION
from .signing import DEFAULT_ENDPOINT
from .url_client import ask, is_url

_ADDRESS = re.compile(r"(?!arn:)([^:]*\.|localhost:|.*/)")  # of a host or a page, written without its scheme
_ABSENT = "Function not found: "


def invoke(
    name: str, event: bytes, clock: Callable[[], float] = time.monotonic, *, remote: bool = False
) -> Iterator[Event]:
    """Invoke the function `name` through the Lambda API with a streamed response.

    Yields the events of a recording. The endpoint is AWS_ENDPOINT_URL_LAMBDA, else the emulator's default port; with
    `remote`, AWS's own, with the credentials and the region that the AWS CLI would use.
    """
    with _calling(name, remote=remote) as client:
        start = clock()

        def elapsed() -> int:
            return int((clock() - start) * 1_000_000)

        with closing(client.invoke_with_response_stream(FunctionName=name, Payload=event)["EventStream"]) as stream:
            yield from _read(stream, elapsed)


def url_of(name: str, *, remote: bool = False) -> str:
    """The URL of the function `name`, which the Lambda API is asked for as in `invoke`."""
    with _calling(name, remote=remote) as client:
        return str(client.get_function_url_config(FunctionName=name)["FunctionUrl"])


@contextmanager
def _calling(name: str, *, remote: bool) -> Iterator[Any]:
    """A client of the Lambda API, for the block; whatever goes wrong in it is an EndpointError."""
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError
    from urllib3.exceptions import HTTPError  # botocore lets it through while a stream is read

    if _ADDRESS.match(name):
        raise EndpointError(f"{name} is no function's name; a URL begins with http:// or https://")
    endpoint = None if remote else os.environ.get("AWS_ENDPOINT_URL_LAMBDA", DEFAULT_ENDPOINT)
    place = endpoint or "AWS"
    if endpoint is not None and not is_url(endpoint):
        raise EndpointError(f"AWS_ENDPOINT_URL_LAMBDA={endpoint}: it has to begin with http:// or https://")
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
        hint = _names(endpoint) if endpoint and problem["Message"].startswith(_ABSENT) else ""
        raise EndpointError(f"{name}: {problem['Code']}: {problem['Message']}{hint}") from error
    except (HTTPClientError, HTTPError, ParserError) as error:
        raise EndpointError(f"the connection to {place} broke: {error}") from error
    except BotoCoreError as error:
        raise EndpointError(f"{name!r} cannot be invoked: {' '.join(str(error).split())}") from error


def _names(endpoint: str) -> str:
    """What the emulator has, for those who have asked it for what it has not; "" if it does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with closing(_client(endpoint)) as client:
            functions = client.list_functions()["Functions"]
    except (BotoCoreError, ClientError):
        return ""
    return f"; there are {', '.join(function['FunctionName'] for function in functions)}"


def invoke_target(target: str, event: bytes | None, *, remote: bool, record: Path | None) -> Iterator[Event]:
    """The events of a function's response, or of a URL's; written to `record` as they come, if it is given."""
    if is_url(target):
        headers = {} if event is None else {"content-type": "application/json"}
        events = ask(target, event, headers)
    else:
        events = invoke(target, event or b"{}", remote=remote)
    return events if record is None else recorded(events, record, target)


def recorded(events: Iterator[Event], path: Path, function: str) -> Iterator[Event]:
    """The events, each handed on when it has come, and all of them written to `path`."""
    header = Header("client", {"function": function, "recorded": now()})
    try:
        recorder = Recorder(path.open("w", encoding="utf-8", newline="\n"), header)
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

    # A stream may be silent for as long as its function runs, and a request must not be sent twice.
    config = Config(read_timeout=910, retries={"total_max_attempts": 1})
    credentials: dict[str, Any] = {}
    if endpoint is not None and urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1"):
        # None at all, not even HTTP_PROXY's: to a proxy, a loopback address is the proxy's own machine.
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
            # Lambda passes the prelude of an HTTP response on as it stands; nothing says that one comes.
            parsed = _prelude(head, data)
            head = None
            if parsed is not None:
                prelude, data = parsed
                fields = {"headers": dict(prelude.headers), "cookies": list(prelude.cookies)}
                yield Event(elapsed(), HEAD, {"status_code": prelude.status, **fields})
        if data:
            chunks, size = chunks + 1, size + len(data)
            yield chunk_event(elapsed(), data)
    raise EndpointError("the response ended without saying whether it is whole")


def _prelude(parser: PreludeParser, data: bytes) -> Any:
    if not data.startswith(b"{") or DELIMITER not in data:
        return None
    try:
        return parser.feed(data)
    except PreludeError:
        return None
