"""Recognises a body that is the envelope of a response: status, headers and body, which Lambda has not unwrapped.

A function answers an HTTP request in one of two forms, and its URL or its API understands one of them. If the two do
not fit, the client gets the envelope as the body (AWS Lambda Developer Guide, "Lambda function URLs" and "Response
streaming").
"""

from __future__ import annotations

import json

PROXY, PRELUDE = "proxy", "prelude"  # the forms of an envelope: a JSON object as a whole, and one before the body
LIMIT_BYTES = 6 * 1024 * 1024  # of a response that is not streamed, and so of a whole JSON object (Lambda quotas)
_DELIMITER = bytes(8)  # between a prelude and the body
_FIELDS = {"statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}


class EnvelopeCheck:
    """Collects the beginning of a body that may be an envelope."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._is_possible = True

    def add(self, chunk: bytes) -> None:
        """Add the next bytes of the body."""
        if self._is_possible:
            self._body += chunk
            self._is_possible = bytes(self._body[:1]) in (b"", b"{") and len(self._body) <= LIMIT_BYTES
            if not self._is_possible:
                self._body.clear()

    @property
    def form(self) -> str | None:
        """`proxy`, `prelude`, or None if the body is no envelope."""
        head, delimiter, _ = bytes(self._body).partition(_DELIMITER)
        try:
            fields = json.loads(head) if head else None
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or not str(fields.get("statusCode", "")).isdecimal():
            return None
        if not fields.keys() <= _FIELDS or len(fields) == 1:
            return None
        return PRELUDE if delimiter else PROXY
