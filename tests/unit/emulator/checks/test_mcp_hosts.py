from pathlib import Path

import pytest

from checked_template import GOOD, check, the_one

SERVER = """\
from mcp.server import MCPServer

server = MCPServer("tools")
app = server.streamable_http_app()
"""


def test_a_server_that_allows_localhost_only(tmp_path: Path) -> None:
    found = the_one(tmp_path, GOOD, SERVER, rule="mcp-hosts", at="Hello:")

    assert found.severity == "warning"
    assert "app.py:3" in found.problem
    assert "421" in found.problem


@pytest.mark.parametrize(
    "allowing",
    [
        'streamable_http_app(transport_security=TransportSecuritySettings(allowed_hosts=["a.on.aws"]))',
        'streamable_http_app(host="0.0.0.0")',
        "streamable_http_app(transport_security=security)",
    ],
)
def test_a_server_that_allows_others(tmp_path: Path, allowing: str) -> None:
    assert check(tmp_path, GOOD, SERVER.replace("streamable_http_app()", allowing)) == []


def test_a_host_that_is_local_allows_nobody_else(tmp_path: Path) -> None:
    code = SERVER.replace("streamable_http_app()", 'streamable_http_app(host="127.0.0.1")')

    the_one(tmp_path, GOOD, code, rule="mcp-hosts", at="Hello:")


@pytest.mark.parametrize(
    "code", ["from fastmcp import FastMCP\napp = FastMCP('tools').http_app()\n", "from mcp import ClientSession\n"]
)
def test_code_that_serves_otherwise_or_not(tmp_path: Path, code: str) -> None:
    assert check(tmp_path, GOOD, code) == []
