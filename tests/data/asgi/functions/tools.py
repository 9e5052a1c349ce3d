"""An MCP server with one tool."""

import asyncio

from fastmcp import Context, FastMCP

from lambda_streamify import asgi

server = FastMCP("tools")


@server.tool
async def work(gate: str, ctx: Context) -> str:
    """Report progress, and go on when the client has it."""
    host, _, port = gate.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await ctx.report_progress(1, 2, "half way")
    writer.write(b"?")
    await reader.readexactly(1)
    writer.close()
    return "done"


lambda_handler = asgi.handler(server.http_app(stateless_http=True))
