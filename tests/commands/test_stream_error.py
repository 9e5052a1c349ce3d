"""`streamify serve --stream-error cut`: an error within a response breaks the client's connection."""

from http.client import IncompleteRead
from pathlib import Path

import pytest

from emulator_process import emulating
from url_client import request


def test_a_stream_that_fails_is_cut_off_after_what_was_delivered(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache, "--stream-error", "cut", "--only", "cases", measured=False) as emulator:
        url = emulator.urls["cases"]
        with pytest.raises(IncompleteRead) as cut:
            request(url, "/fails", after=2)
        whole = request(url, "/value", value=42)

    assert cut.value.partial == b"chunk 0\nchunk 1\n"
    assert whole.status == 200
