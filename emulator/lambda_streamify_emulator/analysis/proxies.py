"""The proxies that `streamify doctor` recognises by a response's headers, and the line of each to change.

Tests run nginx itself: tests/operate. docs/guides/proxies.md has the configurations, and the sources of the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Proxy:
    """A proxy, the header that shows it, and the advice about it. An empty text is no advice."""

    name: str
    header: str
    value: str  # a part of the header's value, in lower case; empty if the header itself is enough
    buffering: str  # continues "It came through NAME: "
    idle: str = ""  # continues the same, for a connection that broke
    compression: str = ""  # a sentence
    error: str = ""  # a sentence, for an error with a status from 500 on

    def is_in(self, headers: Mapping[str, str]) -> bool:
        """Return whether the headers, with names and values in lower case, show this proxy."""
        return self.header in headers and self.value in headers[self.header]


KNOWN = (
    Proxy(
        "nginx",
        "server",
        "nginx",
        "set `proxy_buffering off;` and `proxy_http_version 1.1;`, or send the response header `X-Accel-Buffering: no`",
        "by default it waits 60 seconds for the next chunk: set `proxy_read_timeout 900s;`. Its error_log then says "
        '"upstream timed out", and after a cut that came from behind it "upstream prematurely closed connection"',
        "In nginx, set `gzip off;`.",
        "If it is nginx's own, its error_log says why.",
    ),
    Proxy(
        "Apache httpd",
        "server",
        "apache",
        "mod_proxy passes on each chunk, so look for an output filter that reads whole responses",
        "by default it waits 60 seconds for the next chunk: set `timeout=900` in `ProxyPass`",
    ),
    Proxy(
        "Caddy",
        "server",
        "caddy",
        "it passes on each chunk unless it compresses: remove `encode`",
        compression="In Caddy, remove `encode`.",
    ),
    Proxy(
        "Envoy",
        "server",
        "envoy",
        "it passes on each chunk, so look for a filter that compresses or buffers in `http_filters`",
        "by default a route has 15 seconds for the whole response, and a stream may be idle for 5 minutes: set the "
        "route's `timeout: 0s`, and `stream_idle_timeout: 900s`",
    ),
    Proxy(
        "CloudFront",
        "x-amz-cf-id",
        "",
        "send a request to the function URL itself to compare, and turn off compression for that path",
        "by default it waits 30 seconds for its origin: raise the origin's response timeout",
        "In CloudFront, set `Compress: false` for that path.",
    ),
    Proxy("Cloudflare", "cf-ray", "", "send a request to the function URL itself to compare"),
    Proxy(
        "an HTTP API of API Gateway",
        "apigw-requestid",
        "",
        "it does not stream, so use a function URL or a REST API",
    ),
    Proxy(
        "a REST API of API Gateway",
        "x-amz-apigw-id",
        "",
        "it streams only if the integration says so: in SAM, the event's `ResponseTransferMode: RESPONSE_STREAM`. Any "
        "other value buffers without a warning",
        "by default it has 29 seconds for the whole response, which `TimeoutInMillis` raises; and a stream may be idle "
        "for 5 minutes, or for 30 seconds if the API is edge-optimized",
    ),
)


def seen_in(headers: Mapping[str, str]) -> list[Proxy]:
    """Return the proxies that these headers show, or else one that is known only by what it writes into Via."""
    found = [proxy for proxy in KNOWN if proxy.is_in(headers)]
    if found or "via" not in headers:
        return found
    # RFC 9110, section 7.6.3: each proxy adds itself to Via.
    return [Proxy(f"a proxy ({headers['via']})", "via", "", "turn off its buffering, or send a request around it")]
