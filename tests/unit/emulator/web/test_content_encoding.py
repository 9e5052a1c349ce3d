import gzip
import zlib
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify_emulator.web.content_encoding import decompress


async def listed(pieces: Iterable[bytes]) -> list[bytes]:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [piece async for piece in decompress(body())]


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_is_decompressed_however_it_is_cut(compress: "type[bytes]", size: int) -> None:
    body = b"".join(b"line %d\n" % number for number in range(50_000))
    sent = compress(body)

    assert b"".join(run(listed(sent[start : start + size] for start in range(0, len(sent), size)))) == body


def test_what_a_flush_has_sent_comes_at_once() -> None:
    compressor = zlib.compressobj(wbits=31)
    sent = [compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH) for text in (b"one ", b"two ")]

    assert run(listed(sent)) == [b"one ", b"two "]


@given(st.integers(65_000, 66_200), st.sampled_from([b"a", b"ab", b"abc"]))
def test_a_piece_is_never_larger_than_64_kib_and_none_of_it_is_kept_back(size: int, unit: bytes) -> None:
    body = (unit * size)[:size]
    compressor = zlib.compressobj(wbits=31)
    sent = compressor.compress(body) + compressor.flush(zlib.Z_SYNC_FLUSH)

    pieces = run(listed([sent]))

    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 65_536


def test_a_body_of_several_members_is_decompressed_to_its_end() -> None:
    assert b"".join(run(listed([gzip.compress(b"one ") + gzip.compress(b"two"), b""]))) == b"one two"


def test_an_empty_body_is_empty() -> None:
    assert run(listed([b""])) == []


def test_what_is_not_compressed_is_an_error() -> None:
    with pytest.raises(zlib.error):
        run(listed([b"plain text"]))
