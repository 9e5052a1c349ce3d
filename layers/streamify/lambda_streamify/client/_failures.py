"""What a caller is told when a connection fails. The blocking client and the asynchronous one say the same."""

from ..errors import NoResponse, StreamCut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._http1 import Head
    from ._request import Request


def unreachable(request: "Request", error: Exception) -> NoResponse:
    """No connection could be made, or the client that makes it has failed before there was a response."""
    failure = NoResponse(f"{request.scheme}://{request.authority} did not answer: {str(error) or type(error).__name__}")
    failure.__cause__ = error
    return failure


def silent(request: "Request", head: "Head | None", timeout: "float | None") -> "NoResponse | StreamCut":
    """Nothing came for `timeout` seconds."""
    if head is None:
        return NoResponse(f"{request.scheme}://{request.authority} did not answer within {timeout} s")
    return StreamCut(f"the response was cut: nothing came for {timeout} s; a larger timeout waits longer")


def broken(request: "Request", head: "Head | None", error: Exception) -> "NoResponse | StreamCut":
    """The connection, or the client that reads from it, has failed."""
    if head is None:
        return unreachable(request, error)
    failure = StreamCut(f"the response was cut: {str(error) or type(error).__name__}")
    failure.__cause__ = error
    return failure
