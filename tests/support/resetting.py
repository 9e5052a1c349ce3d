"""A client that is gone at once: its kernel says so to the server's, which a proper end of a connection leaves open."""

import asyncio
import socket
import struct


def break_off(writer: asyncio.StreamWriter) -> None:
    """Reset the connection (socket(7), SO_LINGER)."""
    if writer.transport.is_closing():
        return
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
