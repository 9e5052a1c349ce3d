from io import BytesIO, StringIO

from lambda_streamify.files import BLOCK, FileBody


def test_a_file_is_read_in_blocks() -> None:
    data = bytes(range(256)) * 1000

    blocks = list(FileBody(BytesIO(data)))

    assert b"".join(map(bytes, blocks)) == data  # type: ignore[arg-type]
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, BLOCK, len(data) - 3 * BLOCK]


def test_so_is_a_text_file() -> None:
    assert [len(block) for block in FileBody(StringIO("ä" * (BLOCK + 1)))] == [BLOCK, 1]
