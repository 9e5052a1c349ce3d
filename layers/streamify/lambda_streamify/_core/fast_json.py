"""JSON by the C code of Python's json module, without importing that module: the import takes 7 ms, mostly for `re`.

The json module calls the same C code for every text and every value. It is imported here only for its Python part: to
word the error for text that is not JSON, and where the C code is missing or does not work as expected.
"""

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except Exception:  # noqa: BLE001 - an implementation detail of CPython
    make_encoder = make_scanner = None  # type: ignore[assignment,misc]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_WHITESPACE = " \t\n\r"  # RFC 8259, 2


def _reject_constant(name: str) -> "NoReturn":
    raise ValueError(f"{name} is not a JSON value")


def _reject_value(value: object) -> "NoReturn":
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class WithoutJson(dict[str, None]):
    """Raises TypeError when it is written as JSON, so no encoder writes the attributes of an object that has it."""

    def __init__(self, message: str) -> None:
        super().__init__(value=None)  # some encoders do not call `items` of an empty dict
        self._message = message

    def keys(self) -> "NoReturn":
        """Raise TypeError, as `items` does."""
        raise TypeError(self._message)

    items = keys

    def __reduce__(self) -> "tuple[type[WithoutJson], tuple[str]]":
        return WithoutJson, (self._message,)


class _DecoderOptions:
    """The attributes that the C scanner reads from a JSONDecoder: json's defaults, but without NaN and infinities."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None  # new in Python 3.15
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_reject_constant)


def parse(text: str) -> "Any":
    """Return the value of a JSON text. Raises ValueError, worded by the json module, if the text is not JSON."""
    if _scan is not None:
        try:
            value, end = _scan(text, len(text) - len(text.lstrip(_WHITESPACE)))
        except (StopIteration, SystemError):
            # StopIteration: no value begins here. SystemError: Python 3.11 and older need json.decoder, which is not
            # imported, to raise their error for other text that is not JSON.
            end = 0
        if end and not text[end:].strip(_WHITESPACE):
            return value
    import json

    return json.loads(text, parse_constant=_reject_constant)


def write(
    value: object,
    default: "Callable[[Any], object]" = _reject_value,
    *,
    ascii_only: bool = True,
    separators: "tuple[str, str]" = (", ", ": "),
) -> str:
    """Return `value` as JSON text.

    `default` converts an object that JSON cannot represent into one that it can, or raises TypeError.
    """
    return writer(default, ascii_only=ascii_only, separators=separators)(value)


def writer(
    default: "Callable[[Any], object]" = _reject_value,
    *,
    ascii_only: bool = True,
    separators: "tuple[str, str]" = (", ", ": "),
    allow_nan: bool = True,
) -> "Callable[[object], str]":
    """Return a function that writes one value as `write` does, for use with many values.

    Without `allow_nan`, NaN and infinities raise ValueError.
    """
    if _encoder_works:
        return _c_writer(default, ascii_only=ascii_only, separators=separators, allow_nan=allow_nan)
    import json

    return json.JSONEncoder(ensure_ascii=ascii_only, default=default, separators=separators, allow_nan=allow_nan).encode


def _c_writer(
    default: "Callable[[Any], object]", *, ascii_only: bool, separators: "tuple[str, str]", allow_nan: bool
) -> "Callable[[object], str]":
    text = encode_basestring_ascii if ascii_only else encode_basestring
    items, keys = separators
    markers: dict[int, object] = {}  # the containers being encoded, by id: detects one that contains itself
    encode = make_encoder(markers, default, text, None, keys, items, False, False, allow_nan)  # noqa: FBT003 - as json calls it

    def write_one(value: object) -> str:
        markers.clear()  # an earlier error may have left entries
        return "".join(encode(value, 0))

    return write_one


# --- check that the C code works -------------------------------------------------------------------------------------

# Any version of Python may change its private functions, so a sample with one value of each kind tests them.
_SAMPLE_VALUE: "Any" = {"a": [True, None, 1, 2.5, "\u00e9"], "b": {}}
_SAMPLE_TEXT = '{"a": [true, null, 1, 2.5, "\u00e9"], "b": {}}'


def _working_scanner() -> "Callable[[str, int], tuple[Any, int]] | None":
    try:
        scan = make_scanner(_DecoderOptions)  # type: ignore[arg-type]
        return scan if scan(f" {_SAMPLE_TEXT}", 1) == (_SAMPLE_VALUE, len(_SAMPLE_TEXT) + 1) else None
    except Exception:  # noqa: BLE001 - a changed function may raise anything
        return None


def _has_working_encoder() -> bool:
    def text(*, ascii_only: bool) -> str:
        encode = _c_writer(lambda _: _SAMPLE_VALUE, ascii_only=ascii_only, separators=(", ", ": "), allow_nan=True)
        return encode(object())

    try:
        return text(ascii_only=False) == _SAMPLE_TEXT and text(ascii_only=True) == _SAMPLE_TEXT.replace(
            "\u00e9", "\\u00e9"
        )
    except Exception:  # noqa: BLE001 - as above
        return False


_scan = _working_scanner()
_encoder_works = _has_working_encoder()
