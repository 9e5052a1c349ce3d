"""A reader that stops reading, and how far the generator has come when it stands still: docs/guides/backpressure.md.

tests/integration/test_emulator_readers.py shows the same for the Lambda API, and the loss at REST APIs.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from curl_client import HTTP_1_1, curl
from processes import ROOT
from proxied_url import FunctionUrl
from waiting import settled, wait_until
from web_proxies import Proxy, proxying

PAGE = ROOT / "docs" / "guides" / "backpressure.md"
PIECE_BYTES, PIECES = 64 * 1024, 1024
CASES = {"`def` generator": "counted", "`async def`": "async_counted", "ASGI": "asgi_counted", "WSGI": "wsgi_counted"}
DIRECT = "none: the function URL itself"
REST_API = "a REST API"
# The rows of the page's table: a proxy, and how its configuration in deploy/ is changed.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    DIRECT: ("", {}),
    "nginx, `proxy_buffering off`": ("nginx", {}),
    "nginx, `proxy_buffering on`": ("nginx", {"proxy_buffering off;": ""}),
    "nginx, and `client_body_buffer_size 64m`": ("nginx", {"proxy_buffering off;": "client_body_buffer_size 64m;"}),
    "Apache httpd": ("apache", {}),
}
LOST = "runs to its end"


def table() -> tuple[list[str], dict[str, list[str]]]:
    """Return the columns of the page's table, and its rows by their first cells."""
    lines = PAGE.read_text().splitlines()
    begin = lines.index(next(line for line in lines if line.startswith("| between function and reader |")))
    read = [[each.strip() for each in line.strip("|").split("|")] for line in takewhile(bool, lines[begin:])]
    return read[0], {row[0]: row for row in read[2:]}


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def proxy(way: str, function_url: FunctionUrl) -> Iterator[Proxy]:
    kind, changes = WAYS[way]
    if kind:
        with proxying(kind, function_url.upstream, changes) as proxy:
            yield proxy
    else:
        upstream = function_url.upstream
        yield Proxy(way, f"https://localhost:{upstream.port}", upstream.ca_file, upstream.ca_file.parent)


@pytest.mark.parametrize("kind", CASES)
def test_a_reader_that_stops_holds_the_generator_as_the_page_says(
    way: str, kind: str, proxy: Proxy, tmp_path: Path
) -> None:
    columns, rows = table()
    note, bound = tmp_path / "note", rows[way][-1]

    with curl(proxy.url, f"/{CASES[kind]}", HTTP_1_1, proxy.ca_file, note=str(note)) as response:
        assert len(response.take(1)) == 1
        if bound == LOST:
            assert rows[way][columns.index(kind)] == LOST
            wait_until(lambda: note.read_text() == "done", "the generator to run to its end")
        else:
            held_at = settled(note.read_text)
            assert int(held_at) * PIECE_BYTES < megabytes(bound)
        for _ in range(PIECES - 1):
            assert len(response.take(PIECE_BYTES)) == PIECE_BYTES
        wait_until(lambda: note.read_text() == "done", "the generator to run to its end")


def megabytes(cell: str) -> float:
    """Return how many bytes a cell such as "12 MB" stands for."""
    found = re.fullmatch(r"([0-9.]+) MB", cell)
    assert found is not None, cell
    return float(found[1]) * 1e6


def test_each_row_of_the_page_is_tested_and_what_it_measured_is_below_its_bound() -> None:
    columns, rows = table()

    assert [*columns[1:-1]] == [*CASES]
    assert list(rows) == [*WAYS, REST_API]
    for row in rows.values():
        if row[-1] == LOST:
            assert set(row[1:]) == {LOST}
        else:
            assert max(map(megabytes, row[1:-1])) < megabytes(row[-1])
