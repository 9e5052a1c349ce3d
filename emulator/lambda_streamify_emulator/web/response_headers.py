"""The headers of a function's response as its URL returns them: some are renamed, some are dropped.

AWS documents none of this for function URLs. Seen there: `content-length` (2025), `connection` and `server` (2024) and
`www-authenticate` (2026) become x-amzn-remapped-*, and a header that already has such a name causes a 500 (2024). The
emulator also renames the other headers that API Gateway renames (Amazon API Gateway Developer Guide, "Amazon API
Gateway important notes"); that was not seen.
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
# Headers of one connection (RFC 9110, section 7.6.1). Those that are not renamed are dropped.
OF_A_CONNECTION = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# Renamed headers that clients look for. The URL sets the others itself, or clients have no use for them.
_NEEDED_BY_CLIENTS = {"authorization", "proxy-authenticate", "www-authenticate"}


def rename_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers as a client sees them. Raises RemappedHeaderError if a name already has the prefix."""
    found: Headers = []
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(PREFIX):
            raise RemappedHeaderError(
                f"the response has the header {name}, a name that function URLs reserve: leave it out"
            )
        if lower in RENAMED:
            found.append((PREFIX + lower, value))
        elif lower not in OF_A_CONNECTION:
            found.append((name, value))
    return found


def find_renamed_for_clients(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of the renamed headers that clients look for under their original names."""
    return [name for name, _ in headers if name.lower() in _NEEDED_BY_CLIENTS]


def get_header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the value of a header, None if it is missing. `name` is in lower case."""
    return next((value for key, value in headers if key.lower() == name), None)


def remove_header(headers: Iterable[tuple[str, str]], name: str) -> Headers:
    """Return the headers without those of this name, which is in lower case."""
    return [pair for pair in headers if pair[0].lower() != name]
