"""What a response has to be before its records are read: successful, not compressed, and of the right type."""

from ..errors import ErrorStatus, StreamFailed
from ._sse import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_BODY_LIMIT_BYTES = 64 * 1024  # how much of the body of an error status is read
_SHOWN_LIMIT_BYTES = 200  # of that body in an error message


def is_success(status_code: int) -> bool:
    """Whether the status means success. Redirects do not: they are not followed."""
    return 200 <= status_code <= 299


def error_status(status_code: int, headers: "Mapping[str, str]", body: bytes) -> ErrorStatus:
    """The error for a status that does not mean success."""
    told = body[:_SHOWN_LIMIT_BYTES].decode("utf-8", "replace").strip()
    if 300 <= status_code <= 399:
        told = f"redirects are not followed, and its Location is {headers.get('location')}"
    return ErrorStatus(
        f"the server answered with status {status_code}: {told}", status_code=status_code, headers=headers, partial=body
    )


def check_encoding(headers: "Mapping[str, str]") -> None:
    """Raise StreamFailed if the body is compressed, which this client asks servers not to do."""
    coding = headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise StreamFailed(f"the body is encoded as {coding}, which nobody asked for: read its bytes and decode them")


def check_event_stream(headers: "Mapping[str, str]") -> None:
    """Raise StreamFailed unless the response says that it contains server-sent events."""
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise StreamFailed(
            f"the content type of the response is {content_type!r}, not '{CONTENT_TYPE}': "
            "read it with rows(), lines() or chunk by chunk"
        )
