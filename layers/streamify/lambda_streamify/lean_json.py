"""JSON by the C code of Python's json module, without the module: its import costs 7 ms, most of them for `re`.

json itself calls the same code for every text and every value. It is imported only where its Python half is needed: to
word the error of a text that is no JSON, and on an interpreter that has no such C code.
"""

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # it is an implementation detail of CPython
    make_encoder = make_scanner = None  # type: ignore[assignment,misc]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_BLANKS = " \t\n\r"  # RFC 8259, 2


def _refuse_constant(name: str) -> "NoReturn":
    raise ValueError(f"{name} is no JSON value")


def _refuse_value(value: object) -> "NoReturn":
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class _Rules:
    """What the scanner asks of a JSONDecoder: json's defaults, but neither NaN nor infinities."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)


_scan = None if make_scanner is None else make_scanner(_Rules)  # type: ignore[arg-type]


def parse(text: str) -> "Any":
    """The value of a JSON text. Raises ValueError if it is none, with json's words."""
    if _scan is not None:
        try:
            value, end = _scan(text, len(text) - len(text.lstrip(_BLANKS)))
        except StopIteration:  # nothing there that a value can begin with
            end = 0
        if end and not text[end:].strip(_BLANKS):
            return value
    import json

    return json.loads(text, parse_constant=_refuse_constant)


def write(
    value: object,
    default: "Callable[[Any], object]" = _refuse_value,
    *,
    ascii_only: bool = True,
    separators: "tuple[str, str]" = (", ", ": "),
) -> str:
    """`value` as a JSON text; `default` turns what has no form in JSON into something that has, or raises TypeError."""
    return writer(default, ascii_only=ascii_only, separators=separators)(value)


def writer(
    default: "Callable[[Any], object]" = _refuse_value,
    *,
    ascii_only: bool = True,
    separators: "tuple[str, str]" = (", ", ": "),
    allow_nan: bool = True,
) -> "Callable[[object], str]":
    """`write` for many values: a function of one. Without `allow_nan`, NaN and infinities raise ValueError."""
    if make_encoder is None:
        import json

        return json.JSONEncoder(
            ensure_ascii=ascii_only, default=default, separators=separators, allow_nan=allow_nan
        ).encode
    text = encode_basestring_ascii if ascii_only else encode_basestring
    items, keys = separators
    holders: dict[int, object] = {}  # the values that the encoder is inside of, so that none is written into itself
    encode = make_encoder(holders, default, text, None, keys, items, False, False, allow_nan)  # noqa: FBT003 - as json calls it

    def write_one(value: object) -> str:
        holders.clear()  # an error leaves them behind
        return "".join(encode(value, 0))

    return write_one
