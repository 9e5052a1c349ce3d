"""Servers of the Model Context Protocol that refuse every host but localhost, so every request on AWS.

Source: PyPI's `mcp` 2.3.0, `mcp/server/lowlevel/server.py` and `mcp/server/transport_security.py`. FastMCP (the package
`fastmcp`) takes foreign hosts.
"""

import re
from collections.abc import Iterator

from .finding import WARNING, Finding, Rule
from .project import Project

HOSTS = Rule("mcp-hosts", WARNING, "An MCP server allows requests to localhost only, and answers 421 on AWS.")
RULES = (HOSTS,)

_IMPORTS = re.compile(r"^[ \t]*(?:from|import)[ \t]+mcp\b", re.MULTILINE)
_SERVES = re.compile(r"\bstreamable_http_app\(|\bMCPServer\(")
_ALLOWS = re.compile(
    r"\ballowed_hosts\b|\btransport_security\b|\benable_dns_rebinding_protection\b"
    r"|\bhost\s*=\s*[\"'](?!127\.0\.0\.1|localhost|::1)"
)
_FIX = 'streamable_http_app(transport_security=TransportSecuritySettings(allowed_hosts=["HOST OF THE URL"]))'


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        if function.source.find(_IMPORTS) is None or function.source.find(_ALLOWS) is not None:
            continue
        hit = function.source.find(_SERVES)
        if hit:
            yield HOSTS.found(
                project.place(function.id),
                function.id,
                f"{hit} serves MCP without allowed hosts: it takes requests to localhost alone, and answers 421 on AWS",
                _FIX,
            )
