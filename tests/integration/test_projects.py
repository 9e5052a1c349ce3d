"""Projects in each usual kind of template, served whole, with the built layer behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from url_client import request, wire

pytestmark = pytest.mark.slow

PROJECTS = ROOT / "tests" / "data" / "projects"


def serving(project: str, scratch: Path, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(scratch, cache, template=PROJECTS / project / "template.yaml", measured=False) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    yield from serving("plain_cloudformation", tmp_path_factory.mktemp("plain"), cache)


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    yield from serving("sam_openapi", tmp_path_factory.mktemp("openapi"), cache)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    yield from serving("sam_http_api", tmp_path_factory.mktemp("http"), cache)


def assert_streams(address: str, path: str, gate: Gate) -> None:
    """Read each chunk before the function can make the next one."""
    with wire(address, path, gate=gate.address) as connection:
        assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        for number in range(3):
            connection.read_until(b"chunk %d\n" % number)
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"0\r\n\r\n")


def test_plain_cloudformation_streams_from_a_url_and_from_a_method(plain: EmulatorProcess, gate: Gate) -> None:
    assert list(plain.urls) == ["streamify-story"]
    assert_streams(plain.urls["streamify-story"], "/", gate)


def test_a_method_streams_beside_one_that_does_not(plain: EmulatorProcess, gate: Gate) -> None:
    assert_streams(plain.apis["Rest"], "/live/stories", gate)
    assert request(plain.apis["Rest"], "/live/stories/7").body == b"well at /stories/7 with {'id': '7'}"
    preflight = request(plain.apis["Rest"], "/live/stories", method="OPTIONS")
    assert preflight.all("access-control-allow-origin") == ["https://page.example"]


def test_routes_of_openapi_definitions_stream_or_not_as_they_say(openapi: EmulatorProcess, gate: Gate) -> None:
    assert_streams(openapi.apis["Inline"], "/prod/chat", gate)
    assert request(openapi.apis["Inline"], "/prod/items/7", method="PUT").body == b"/items/{id} PUT {'id': '7'}"
    assert request(openapi.apis["Inline"], "/prod/chat", method="POST").status == 403


def test_an_included_definition_and_one_in_a_file_are_served(openapi: EmulatorProcess, gate: Gate) -> None:
    assert_streams(openapi.apis["Included"], "/streamify/chat", gate)
    assert request(openapi.apis["Included"], "/streamify/merged").status == 200
    assert request(openapi.apis["File"], "/v1/a/b").body == b"/{proxy+} GET {'proxy': 'a/b'}"


def test_http_apis_answer_whole_in_the_format_of_the_route(http: EmulatorProcess) -> None:
    api = http.apis["ServerlessHttpApi"]
    assert request(api, "/items/7", tag="a").json()["routeKey"] == "GET /items/{id}"
    assert request(api, "/files/a/b", method="POST", body=b"{}").json()["pathParameters"] == {"proxy": "a/b"}
    assert request(api, "/").json()["routeKey"] == "$default"
    streamed = request(api, "/streams")
    assert (streamed.status, streamed.body) == (201, b"chunk 0\nchunk 1\nchunk 2\n")
    assert streamed.all("content-length") == ["24"]
    old = request(http.apis["Staged"], "/v1/old/7", method="POST", body=b"x")
    assert (old.json()["version"], old.json()["path"], old.all("x-many")) == ("1.0", "/v1/old/7", ["a", "b"])


def test_http_apis_answer_for_errors_and_preflight_requests(http: EmulatorProcess) -> None:
    api = http.apis["ServerlessHttpApi"]
    failed = request(api, "/fails")
    assert (failed.status, failed.body) == (500, b'{"message":"Internal Server Error"}')
    asked = {"origin": "https://page.example", "access-control-request-method": "POST"}
    preflight = request(api, "/anything", method="OPTIONS", headers=asked)
    assert preflight.status == 204
    assert preflight.all("access-control-allow-methods") == ["GET,POST,OPTIONS"]
    assert request(http.apis["Staged"], "/v1/new").body == b'{"message":"Not Found"}'


def test_what_is_not_served_is_said_once_and_does_not_stop_the_rest(tmp_path: Path, cache: Path) -> None:
    for emulator in serving("unservable", tmp_path, cache):
        assert request(emulator.urls["served"]).body == b"served all the same"
        log = emulator.log().splitlines()
        for name in ("Image", "Elsewhere", "NoRuntime", "OtherUrl", "Flow"):
            assert len([line for line in log if f"{name} is left out: " in line]) == 1, name
        assert len([line for line in log if "the event Wrong is not served" in line]) == 1


def test_a_mistake_in_a_route_is_said_once(tmp_path: Path, cache: Path) -> None:
    text = (PROJECTS / "unservable" / "template.yaml").read_text()
    route = "{Path: /a, Method: get, ResponseTransferMode: %s}"
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "app.py").write_text("")
    path = folder / "template.yaml"
    text = text.replace("{Path: no-slash, Method: get}", route % "STREAM").replace("Timeout: 20", "Timeout: 60")
    more = f"        Cut: {{Type: Api, Properties: {route % 'RESPONSE_STREAM'}}}\n".replace("/a", "/b")
    path.write_text(text.replace("        Wrong:\n", f"{more}        Wrong:\n"))

    with emulating(tmp_path, cache, template=path, measured=False) as emulator:
        log = emulator.log()

    assert log.count("[sam-transfer-mode]") == log.count("ResponseTransferMode is STREAM") == 1
    assert log.count("[integration-timeout]") == log.count("29 seconds") == 1
