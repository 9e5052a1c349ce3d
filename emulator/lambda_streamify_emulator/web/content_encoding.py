"""What a streaming function URL does with a compressed body: it decompresses it.

That was seen for gzip, in 2024: the body came as it had been, and without Content-Encoding (issue 96 of AWS's runtime
interface client for Node.js). Here deflate is treated so too; what the standard library cannot read passes as it is.
"""

import zlib
from collections.abc import AsyncIterator

DECODED = ("gzip", "x-gzip", "deflate")  # RFC 9110, section 8.4.1
_EITHER = zlib.MAX_WBITS | 32  # a gzip or a zlib header says which of them it is
_PIECE = 64 * 1024  # bytes that are made at a time: a few compressed ones may stand for a thousand times as many


async def decoded(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body, decompressed as it comes. Raises zlib.error where it is not compressed as it should be."""
    decoder = zlib.decompressobj(_EITHER)
    async for piece in pieces:
        data, more = piece, bool(piece)
        while more:
            if decoder.eof:
                decoder = zlib.decompressobj(_EITHER)  # a further member: RFC 1952, section 2.2
            made = decoder.decompress(data, _PIECE)
            if made:
                yield made
            data = decoder.unconsumed_tail or decoder.unused_data
            more = bool(data) or len(made) == _PIECE
