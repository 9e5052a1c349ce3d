"""Decompresses compressed bodies, as a streaming function URL does.

This was seen for gzip in 2024: the body arrived decompressed and without Content-Encoding (issue 96 of AWS's runtime
interface client for Node.js). Here deflate is treated the same; other encodings pass unchanged.
"""

import zlib
from collections.abc import AsyncIterator

DECODED = ("gzip", "x-gzip", "deflate")  # RFC 9110, section 8.4.1
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # zlib detects the format by its header
_OUTPUT_LIMIT_BYTES = 64 * 1024  # of one step: compressed data may expand a thousandfold


async def decompress(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the body, decompressed as it arrives. Raises zlib.error if the data is not valid."""
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    async for piece in pieces:
        data, more = piece, bool(piece)
        while more:
            if decoder.eof:
                decoder = zlib.decompressobj(_GZIP_OR_ZLIB)  # another member: RFC 1952, section 2.2
            made = decoder.decompress(data, _OUTPUT_LIMIT_BYTES)
            if made:
                yield made
            data = decoder.unconsumed_tail or decoder.unused_data
            more = bool(data) or len(made) == _OUTPUT_LIMIT_BYTES
