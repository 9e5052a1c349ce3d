"""A request to a front end as one line, for people or for programs.

POST /chat 200 3.2 s first byte 0.31 s 84 chunks 12 kB  chat

A line of a request that did not end normally, or that the front end answered itself, says so before the name.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..recordings.timeline import pluralize
from ..web.exchange import COMPLETE, CUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..web.exchange import Exchange

_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # ECMA-48: C0, DEL and C1
STYLES = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}  # by the first digit of the status


def text_line(exchange: Exchange, style: Callable[[str, str], str] = lambda text, _: text) -> str:
    """Return the line for people. `style` returns a text with the colours of a style, of which it gets the name."""
    status = "-" if exchange.status is None else str(exchange.status)
    parts = [
        exchange.request.method,
        _visible(exchange.target),
        style(status, STYLES.get((exchange.status or 0) // 100, "dim")),
    ]
    parts.append(short_duration(exchange.elapsed()))
    if exchange.chunks:
        parts.append(f"first byte {short_duration(exchange.first_byte or 0)}")
        parts += [pluralize(exchange.chunks, "chunk"), short_size(exchange.bytes)]
    remarks = [] if exchange.reason is None else [_visible(exchange.reason)]
    if exchange.ending != COMPLETE:
        remarks.append("response cut" if exchange.ending == CUT else "client left")
    name = exchange.function or exchange.api
    return "  ".join([" ".join(parts), *remarks, *([name] if name else [])])


def json_fields(exchange: Exchange) -> dict[str, Any]:
    """Return the fields for programs: durations in seconds, sizes in bytes. docs/guides/local.md lists them."""
    return {
        "time": utc(exchange.began),
        "type": "request",
        "method": exchange.request.method,
        "path": exchange.request.path,
        "query": exchange.request.query,
        "status": exchange.status,
        "ending": exchange.ending,
        "reason": exchange.reason,
        "first_byte_s": None if exchange.first_byte is None else exchange.first_byte / 1_000_000,
        "duration_s": exchange.elapsed() / 1_000_000,
        "chunks": exchange.chunks,
        "bytes": exchange.bytes,
        "function": exchange.function,
        "api": exchange.api,
        "request_id": exchange.request_id,
        "client": exchange.request.client,
    }


def is_problem(exchange: Exchange) -> bool:
    """Return whether somebody should look at the request: an error, a cut response, or a refused preflight request."""
    is_error = exchange.status is not None and exchange.status >= 400
    return is_error or exchange.ending == CUT or (exchange.reason or "").startswith("preflight refused")


def _visible(text: str) -> str:
    """Return the text with escapes for what a terminal obeys, or what ends a line: a client chooses it."""
    return _INVISIBLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def utc(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as ISO 8601 text with milliseconds."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short_duration(microseconds: int) -> str:
    """Return a duration with two digits: "3.2 s", "0.31 s", "42 ms", "0.8 ms"; from 10 seconds on, whole seconds."""
    seconds = microseconds / 1_000_000
    if seconds >= 9.95:
        return f"{seconds:.0f} s"
    if seconds >= 0.995:
        return f"{seconds:.1f} s"
    if seconds >= 0.0995:
        return f"{seconds:.2f} s"
    milliseconds = microseconds / 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"


def short_size(size: int) -> str:
    """Return a number of bytes with about two digits: "830 B", "1.2 kB", "12 kB", "3.4 MB". A kB has 1000 bytes."""
    if size < 1000:
        return f"{size} B"
    value, unit = (size / 1000, "kB") if size < 999_500 else (size / 1_000_000, "MB")
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
