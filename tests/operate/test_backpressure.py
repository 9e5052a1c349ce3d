"""A reader that stops reading, and how far the generator has come when it stands still: docs/guides/backpressure.md.

tests/integration/test_emulator_readers.py shows the same for the Lambda API, and what the emulator holds meanwhile.
"""

import json
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from curl_client import HTTP_1_1, curl
from emulator_process import RUNTIME, emulating
from processes import ROOT
from proxied_url import FunctionUrl
from waiting import settled, wait_until
from web_proxies import proxying

PAGE = ROOT / "docs" / "guides" / "backpressure.md"
PIECE_BYTES, PIECES = 64 * 1024, 1024
CASES = {"`def` generator": "counted", "`async def`": "async_counted", "ASGI": "asgi_counted", "WSGI": "wsgi_counted"}
DIRECT = "none: the function URL itself"
REST_API = "a REST API"
# The rows of the page's table: a proxy, if there is one, and how its configuration in deploy/ is changed.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    DIRECT: ("", {}),
    "nginx, `proxy_buffering off`": ("nginx", {}),
    "nginx, `proxy_buffering on`": ("nginx", {"proxy_buffering off;": ""}),
    "nginx, and `client_body_buffer_size 64m`": ("nginx", {"proxy_buffering off;": "client_body_buffer_size 64m;"}),
    "Apache httpd": ("apache", {}),
    REST_API: ("", {}),
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
def rest_api(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[str]:
    """Serve the function behind a REST API that streams; gives its URL."""
    scratch = tmp_path_factory.mktemp("rest-api")
    with emulating(scratch, cache, "--limits", "none", template=rest_template(scratch), measured=False) as emulator:
        (url,) = emulator.apis.values()
        yield url.rstrip("/")


def rest_template(folder: Path) -> Path:
    """Return a template of the function with a REST API that streams."""
    streams = {"ResponseTransferMode": "RESPONSE_STREAM", "TimeoutInMillis": 120_000}
    route = {"RestApiId": {"Ref": "Api"}, "Path": "/{case}", "Method": "get", **streams}
    properties = {
        "CodeUri": str(ROOT / "tests" / "data" / "operate"),
        "Handler": "app.lambda_handler",
        "Runtime": RUNTIME,
        "Timeout": 120,
        "Layers": [{"Ref": "StreamifyLayer"}],
        "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}},
        "Events": {"Get": {"Type": "Api", "Properties": route}},
    }
    layer = {"Metadata": {"BuildMethod": "makefile"}, "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")}}
    api = {"StageName": "live", "EndpointConfiguration": {"Type": "REGIONAL"}}
    resources = {
        "StreamifyLayer": {"Type": "AWS::Serverless::LayerVersion", **layer},
        "Api": {"Type": "AWS::Serverless::Api", "Properties": api},
        "Function": {"Type": "AWS::Serverless::Function", "Properties": properties},
    }
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Parameters": {"PythonRuntime": {"Type": "String"}}, "Resources": resources}))
    return path


@pytest.fixture(scope="module")
def url_and_authority(way: str, function_url: FunctionUrl, rest_api: str) -> Iterator[tuple[str, Path]]:
    """Give the URL that the reader asks, and the file of the authority of its certificate."""
    kind, changes = WAYS[way]
    upstream = function_url.upstream
    if kind:
        with proxying(kind, upstream, changes) as proxy:
            yield proxy.url, proxy.ca_file
    else:
        yield rest_api if way == REST_API else f"https://localhost:{upstream.port}", upstream.ca_file


@pytest.mark.parametrize("kind", CASES)
def test_a_reader_that_stops_holds_the_generator_as_the_page_says(
    way: str, kind: str, url_and_authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, ca_file = url_and_authority
    columns, rows = table()
    note, bound = tmp_path / "note", rows[way][-1]

    with curl(url, f"/{CASES[kind]}", HTTP_1_1, ca_file, note=str(note)) as response:
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
    assert list(rows) == [*WAYS]
    for row in rows.values():
        if row[-1] == LOST:
            assert set(row[1:]) == {LOST}
        else:
            assert max(map(megabytes, row[1:-1])) < megabytes(row[-1])
