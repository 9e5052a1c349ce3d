"""Reads the streamed responses of other functions, over HTTP or through the AWS SDKs.

    from lambda_streamify import client

    with client.stream("https://abc.lambda-url.us-east-1.on.aws/", json={"prompt": "Hi"}, sign=True) as response:
        for event in response.events(until="done"):
            print(event.json()["token"])

`stream` and `astream` read a function URL, a REST API or any other HTTP server. `read_stream` and `aread_stream` read
what boto3's and aws-sdk-lambda's `invoke_with_response_stream` return. Each exception derives from
`lambda_streamify.errors.StreamFailed` or is a `RequestError`.

Each name is loaded when it is first used. A function that calls no other function does not pay for this package.
"""

__all__ = [
    "AsyncReceivedStream",
    "AsyncResponse",
    "ReceivedStream",
    "Response",
    "ServerSentEvent",
    "SigV4",
    "aread_stream",
    "astream",
    "read_stream",
    "stream",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async_received_stream import AsyncReceivedStream, aread_stream
    from ._async_response import AsyncResponse
    from ._opening import astream, stream
    from ._received_stream import ReceivedStream, read_stream
    from ._response import Response
    from ._signing import SigV4
    from ._sse import ServerSentEvent
del TYPE_CHECKING

_EXPORTS = {  # each export, and the module that holds it
    "AsyncReceivedStream": "_async_received_stream",
    "AsyncResponse": "_async_response",
    "ReceivedStream": "_received_stream",
    "Response": "_response",
    "ServerSentEvent": "_sse",
    "SigV4": "_signing",
    "aread_stream": "_async_received_stream",
    "astream": "_opening",
    "read_stream": "_received_stream",
    "stream": "_opening",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> "list[str]":
    return sorted(__all__)
