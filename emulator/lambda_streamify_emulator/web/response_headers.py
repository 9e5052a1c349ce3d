"""The headers of a function's response, as its URL delivers them: some are renamed, some are the URL's own business.

AWS documents none of this for function URLs. Seen there: `content-length` (2025), `connection` and `server` (2024) and
`www-authenticate` (2026) become x-amzn-remapped-*, and a header that has such a name already makes the answer a 500
(2024). That the others of API Gateway's list (Amazon API Gateway Developer Guide, "Amazon API Gateway important notes")
are renamed as well is a choice of this emulator.
"""

from collections.abc import Iterable

from ..errors import RemappedHeaderError

Headers = list[tuple[str, str]]

PREFIX = "x-amzn-remapped-"
_SEEN = {"connection", "content-length", "server", "www-authenticate"}
_AS_API_GATEWAY = {
    "authorization",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-requestid",
    "x-amzn-trace-id",
}
RENAMED = _SEEN | _AS_API_GATEWAY
# RFC 9110, section 7.6.1. Those that are not renamed are dropped.
OF_A_CONNECTION = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# Those that a client needs under its own name. The others are not missed: the URL has its own, or no use for them.
_MISSED = {"authorization", "proxy-authenticate", "www-authenticate"}


def delivered(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers under the names that a client sees. Raises RemappedHeaderError if one has such a name already."""
    found: Headers = []
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(PREFIX):
            raise RemappedHeaderError(
                f"the response has the header {name}, a name that function URLs keep for themselves: leave it out"
            )
        if lower in RENAMED:
            found.append((PREFIX + lower, value))
        elif lower not in OF_A_CONNECTION:
            found.append((name, value))
    return found


def missed(headers: Iterable[tuple[str, str]]) -> list[str]:
    """The names of those headers that are renamed although clients look for them."""
    return [name for name, _ in headers if name.lower() in _MISSED]


def value_of(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of a header whose name is given in lower case; None if it is not there."""
    return next((value for key, value in headers if key.lower() == name), None)


def without(headers: Iterable[tuple[str, str]], name: str) -> Headers:
    """The headers but for those of this name, which is given in lower case."""
    return [pair for pair in headers if pair[0].lower() != name]
