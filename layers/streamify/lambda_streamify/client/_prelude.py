"""The prelude of a stream that Lambda's API delivers, out of payloads, without input or output.

Lambda removes the prelude for function URLs only. A caller of this API finds it in the stream: JSON, 8 NULs, body.
"""

from ..errors import StreamFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
# API Gateway requires the delimiter within the first 16 KB; for function URLs no limit is published.
PRELUDE_LIMIT_BYTES = 16 * 1024
# How a prelude begins, for a stream that nobody declares to have one. Other JSON is not held back.
_BEGINNINGS = (b'{"statusCode"', b'{"headers"', b'{"multiValueHeaders"', b'{"cookies"', b"{}\0")


class PreludeParser:
    """Takes payloads as they come, and gives those of the body.

    `is_expected` says whether there is a prelude; None decides by the first bytes. `is_certain` says whether `prelude`,
    a dict or None, is known. `failure` is the error for a prelude that should be there and is not.
    """

    def __init__(self, is_expected: "bool | None") -> None:
        self.prelude: dict[str, Any] | None = None
        self.is_certain = False
        self.failure: StreamFailed | None = None
        self._is_expected = is_expected
        self._head = b""
        self._held: list[bytes] = []  # the payloads that came before it was certain
        self._settle_if_certain()

    def feed(self, payload: bytes) -> "list[bytes]":
        """The payloads that belong to the body."""
        if self.is_certain:
            return [payload]
        self._held.append(payload)
        self._head += payload
        return self._settle_if_certain()

    def end(self) -> "list[bytes]":
        """The payloads that were held back at the end of the stream."""
        return [] if self.is_certain else self._settle()

    def _settle_if_certain(self) -> "list[bytes]":
        may_be_incomplete = (
            self._end_of_prelude() < 0
            and len(self._head) < PRELUDE_LIMIT_BYTES + len(DELIMITER)
            and self._may_be_prelude()
        )
        return [] if may_be_incomplete else self._settle()

    def _settle(self) -> "list[bytes]":
        self.is_certain = True
        end = self._end_of_prelude()
        if end >= 0 and self._may_be_prelude():
            self.prelude = json_object(self._head[:end])
        if self.prelude is not None:
            body = self._head[end + len(DELIMITER) :]
            return [body] if body else []
        if self._is_expected:
            self.failure = StreamFailed(f"the stream should begin with a prelude, but begins with {self._head[:80]!r}")
        return self._held

    def _end_of_prelude(self) -> int:
        return self._head.find(DELIMITER, 0, PRELUDE_LIMIT_BYTES + len(DELIMITER))

    def _may_be_prelude(self) -> bool:
        if self._is_expected is not None:
            return self._is_expected
        return any(self._head.startswith(beginning) or beginning.startswith(self._head) for beginning in _BEGINNINGS)


def json_object(text: "bytes | str") -> "dict[str, Any] | None":
    """The JSON object that `text` is, or None."""
    from json import loads

    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
