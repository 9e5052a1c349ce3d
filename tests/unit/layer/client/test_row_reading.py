"""The end of a stream of rows. What comes over the wire is in test_response.py."""

import pytest

from lambda_streamify.client._row_reading import RowReading
from lambda_streamify.errors import StreamCut


def test_what_follows_the_last_row_is_not_read() -> None:
    reading = RowReading(lambda row: row == 2)

    assert list(reading.feed(b"1\n2\n<html>\n")) == [1, 2]
    assert reading.is_over


def test_the_last_row_may_lack_its_line_end() -> None:
    reading = RowReading(lambda row: row == 2)

    assert [*reading.feed(b"1\n2"), *reading.end()] == [1, 2]


def test_an_end_without_the_last_row_is_a_cut() -> None:
    reading = RowReading(lambda row: row == 3)
    rows = list(reading.feed(b"1\n2"))
    with pytest.raises(StreamCut, match="without its last row"):
        rows += reading.end()

    assert rows == [1, 2]


def test_the_error_of_a_cut_has_the_incomplete_row() -> None:
    reading, failure = RowReading(None), StreamCut("cut")
    list(reading.feed(b"1\n23"))
    reading.cut(failure)

    assert failure.partial == b"23"
