"""The same apps under the servers that people know, and in a function: what is equal, and what is not.

The tables of docs/guides/frameworks/servers.md name the differences, and these tests read them there.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import starlette

from curl_client import HTTP_1_1, WHOLE, Response, curl
from emulator_process import RUNTIME, EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from proxied_url import LARGE_BYTES, MOST_AHEAD_BYTES, Stream, read_until_reached
from waiting import wait_until
from web_servers import APPS, ASGI_SERVERS, WSGI_SERVERS, Site, serving

CHUNKS = ("data: one\n\n", ": keep-alive\n\n", "data: é, two\n\n")
ASGI_APPS, WSGI_APPS = ("starlette_app", "fastapi_app", "django_asgi"), ("flask_app", "django_wsgi")
PLAIN_TOO = ("starlette_app", "fastapi_app")  # they also stream plain generators, in threads
ASGI_FUNCTION, WSGI_FUNCTION = "`asgi.handler`", "`wsgi.handler`"
PAGE = ROOT / "docs" / "guides" / "frameworks" / "servers.md"


# --- where the apps run ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("servers")
    with emulating(folder, cache, "--limits", "none", template=template(folder), measured=False) as emulator:
        yield emulator


def template(folder: Path) -> Path:
    """Return a template with a function for each app; the frameworks are those of the tests."""
    layer = {"Metadata": {"BuildMethod": "makefile"}, "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")}}
    resources: dict[str, Any] = {"StreamifyLayer": {"Type": "AWS::Serverless::LayerVersion", **layer}}
    packages = str(Path(starlette.__file__).parents[1])
    for app in (*ASGI_APPS, *WSGI_APPS):
        properties = {
            "FunctionName": app,
            "CodeUri": str(APPS),
            "Handler": f"{app}.lambda_handler",
            "Runtime": RUNTIME,
            "Timeout": 60,
            "Layers": [{"Ref": "StreamifyLayer"}],
            "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify", "PYTHONPATH": packages}},
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"},
        }
        resources[app.title().replace("_", "")] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Parameters": {"PythonRuntime": {"Type": "String"}}, "Resources": resources}))
    return path


class Run(NamedTuple):
    """An app, and the name of what it runs under: a row of a table of the page."""

    app: str
    under: str

    def __str__(self) -> str:
        return f"{self.app} under {self.under}"


ASGI_RUNS = [Run(app, under) for app in ASGI_APPS for under in (*ASGI_SERVERS, ASGI_FUNCTION)]
WSGI_RUNS = [Run(app, under) for app in WSGI_APPS for under in (*WSGI_SERVERS, WSGI_FUNCTION)]


@pytest.fixture(scope="module", params=ASGI_RUNS + WSGI_RUNS, ids=str)
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


@pytest.fixture(scope="module")
def site(run: Run, emulator: EmulatorProcess) -> Iterator[Site]:
    if run.under in (ASGI_FUNCTION, WSGI_FUNCTION):
        yield Site(emulator.urls[run.app].rstrip("/"), HTTP_1_1, APPS)
    else:
        server = (ASGI_SERVERS if run.app in ASGI_APPS else WSGI_SERVERS)[run.under]
        with serving(server, run.app) as site:
            yield site


def asked(site: Site, path: str, *options: str, **query: str) -> AbstractContextManager[Response]:
    return curl(site.url, path, site.version, site.ca_file, *options, **query)


# --- what is equal ---------------------------------------------------------------------------------------------------


def test_each_chunk_is_read_before_the_next_one_exists(run: Run, site: Site, tmp_path: Path) -> None:
    head = tmp_path / "head"
    for case in ("lockstep", "plain") if run.app in PLAIN_TOO else ("lockstep",):
        with Gate() as gate, asked(site, f"/{case}", "--dump-header", str(head), gate=gate.address) as response:
            for chunk in CHUNKS:
                response.read(chunk)
                gate.open()
            assert response.read_to_end() == ("", WHOLE)

        status, *fields = head.read_text().lower().split("\n")
        own = [field for field in fields if field.startswith(("content-type:", "set-cookie:"))]
        assert status.split()[:2] == ["http/1.1" if site.version == HTTP_1_1 else "http/2", "201"]
        told = sorted(field.partition(";")[0].strip() for field in own)
        assert told == ["content-type: text/event-stream", "set-cookie: a=1", "set-cookie: b=2"]


def test_a_reader_that_pauses_makes_the_app_wait(site: Site) -> None:
    with Gate() as gate, asked(site, "/large", gate=gate.address, bytes=str(LARGE_BYTES)) as response:
        assert read_until_reached(Stream(response, gate, "/large"), LARGE_BYTES) < MOST_AHEAD_BYTES
        gate.open_for_waiting()


# --- what differs ----------------------------------------------------------------------------------------------------


def cell(run: Run, column: str) -> str:
    """Return what the page says about this run: what stands in this column of its table."""
    kind = "ASGI" if run.app in ASGI_APPS else "WSGI"
    (header, rows) = table(kind)
    return rows[run.under][header.index(column)]


def table(kind: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the columns of the page's table of servers of this kind, and its rows by their first cells."""
    lines = PAGE.read_text().splitlines()
    begin = lines.index(next(line for line in lines if line.startswith(f"| {kind}, under")))
    read = [[each.strip() for each in line.strip("|").split("|")] for line in takewhile(bool, lines[begin:])]
    return read[0], {row[0]: row for row in read[2:]}


def test_the_tables_have_a_row_for_each_server_and_for_the_function() -> None:
    assert list(table("ASGI")[1]) == [*ASGI_SERVERS, ASGI_FUNCTION]
    assert list(table("WSGI")[1]) == [*WSGI_SERVERS, WSGI_FUNCTION]


def test_the_length_of_a_response_is_kept_or_dropped_as_the_page_says(run: Run, site: Site) -> None:
    with asked(site, "/page", "--include") as response:
        head, _, body = response.read_to_end()[0].lower().partition("\r\n\r\n")

    assert body == "the whole text\n"
    assert ("content-length: 15" in head) == {"kept": True, "dropped": False}[cell(run, "`Content-Length`")]


def test_an_error_in_mid_stream_ends_the_response_as_the_page_says(run: Run, site: Site) -> None:
    with Gate() as gate, asked(site, "/broken", gate=gate.address) as response:
        response.read("so far\n")
        gate.open()
        rest, status = response.read_to_end()

    assert rest == ""
    assert (status == WHOLE) == {"looks whole": True, "is cut": False}[cell(run, "a stream that fails")]


def test_a_generator_whose_client_leaves_ends_as_the_page_says(run: Run, site: Site, tmp_path: Path) -> None:
    note, expected = tmp_path / "note", cell(run, "a client that leaves")

    with Gate() as gate, asked(site, "/left", gate=gate.address, note=str(note)) as response:
        response.read("chunk\n")
        gate.wait_for_function()
        response.leave()
        if expected != "stops it while it waits":
            gate.open_for_waiting()

        def has_ended() -> bool:
            reached = gate.is_reached()  # also by its end, which follows the note
            if not note.exists() and reached:
                gate.open()
            return note.exists()

        wait_until(has_ended, "the end of the generator")

    assert note.read_text() == ("ran to its end" if expected == "runs to its end" else "stopped")


@pytest.mark.parametrize("run", ASGI_RUNS, ids=str, indirect=True)
def test_an_async_def_that_blocks_delivers_its_chunks_as_the_page_says(run: Run, site: Site) -> None:
    with Gate() as gate, asked(site, "/blocking", gate=gate.address) as response:
        if cell(run, "an `async def` that blocks") == "each chunk":
            for chunk in CHUNKS:
                response.read(chunk)
                gate.open()
            assert response.read_to_end() == ("", WHOLE)
        else:
            gate.wait_for_function()  # it has yielded, and now it blocks the process
            assert response.is_silent()
            gate.open_for_waiting()
            for _ in CHUNKS[1:]:
                gate.open()
            assert response.read_to_end() == ("".join(CHUNKS), WHOLE)
