"""The names and values of a response's headers: which are allowed, and which are not sent."""

from ..errors import ResponseError

# Headers of one connection, not of the response (RFC 9110, section 7.6.1), and the length, which a stream does not
# know. Function URLs were seen to rename content-length and connection, and to fail on x-amzn-remapped-*.
_REMAPPED = "x-amzn-remapped-"  # and any end
DROPPED = frozenset(
    (
        *("connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", _REMAPPED),
    )
)
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")  # RFC 9110, 5.6.2
# Names that functions have used, and the same in lower case. A name that a function makes up is not kept for ever.
LOWER_NAMES: "dict[object, str]" = {}
_LOWER_NAMES_LIMIT = 256


def lower_name(name: str) -> str:
    """Return the name of a header in lower case; of one that begins with `_REMAPPED`, only this."""
    if not isinstance(name, str) or not name or not _TOKEN.issuperset(name):
        raise ResponseError(f"{name!r} is not a header name: letters, digits and !#$%&'*+-.^_`|~ are allowed")
    lower = name.lower()
    if lower.startswith(_REMAPPED):
        lower = _REMAPPED
    if len(LOWER_NAMES) < _LOWER_NAMES_LIMIT:
        LOWER_NAMES[name] = lower
    return lower


def checked_list(name: str, values: object) -> "list[str]":
    """Return the values of a header that may be sent several times, as `checked` does."""
    if not isinstance(values, (list, tuple)):
        raise ResponseError(f"multiValueHeaders: {name} is a {type(values).__name__}; it must be a list of strings")
    return [checked(name, value) for value in values]


def checked(name: str, value: object) -> str:
    """Return the value of a header as text. Raises ResponseError if it cannot be sent."""
    if type(value) is str and value.isprintable():  # nearly all are
        return value
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str):
        raise ResponseError(f"the value of header {name} is a {type(value).__name__}; it must be a string")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ResponseError(f"the value of header {name} holds a line break or NUL, which would end the header")
    return value
