"""Requests to function URLs of the emulator, as Mangum, apig-wsgi and Powertools read them in the functions' events.

They were written for Lambda's events: what they make of the emulator's is what they would make of AWS's.
"""

import json
import sysconfig
from base64 import b64decode
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from url_client import Reply, request, wire

CODE = ROOT / "tests" / "data" / "judges"
MODES = {"streamed": "RESPONSE_STREAM", "whole": "BUFFERED"}
JUDGES = ("mangum", "apig_wsgi")
URLS = [f"{judge}-{mode}" for judge in JUDGES for mode in MODES]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("judges")
    with emulating(folder, cache, template=write_template(folder), measured=False) as emulator:
        yield emulator


def write_template(folder: Path) -> Path:
    """Return a template with a function for each judge and invoke mode; the judges are those of the tests."""
    code = folder / "code"
    code.mkdir()
    (code / "judges.py").write_text((CODE / "judges.py").read_text())
    (code / "packages.pth").write_text(sysconfig.get_path("purelib"))
    resources: dict[str, Any] = {
        "StreamifyLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "makefile"},
            "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
        }
    }
    for judge in (*JUDGES, "powertools"):
        for mode, invoke_mode in MODES.items():
            variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}
            if mode == "whole":
                variables["STREAMIFY_INVOKE_MODE"] = "buffered"
            properties = {
                "FunctionName": f"{judge}-{mode}",
                "CodeUri": "code",
                "Handler": f"judges.{judge}",
                "Runtime": {"Ref": "PythonRuntime"},
                "Timeout": 60,
                "Layers": [{"Ref": "StreamifyLayer"}],
                "Environment": {"Variables": variables},
                "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": invoke_mode},
            }
            id_ = f"{judge}-{mode}".title().replace("-", "").replace("_", "")
            resources[id_] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Parameters": {"PythonRuntime": {"Type": "String"}}, "Resources": resources}))
    return path


@pytest.mark.parametrize("url", URLS)
def test_an_app_sees_the_request_as_it_was_sent(emulator: EmulatorProcess, url: str) -> None:
    body = bytes(range(256))
    head = "X-Mixed-Case: Kept\r\nX-Many: 1\r\nX-Many: 2\r\nUser-Agent: test/1\r\nContent-Type: image/png"
    target = "/items/%C5%BE?multi=1&multi=%2F2&empty&text=a+b%20c"
    with wire(emulator.urls[url], target, head=f"{head}\r\nContent-Length: 256", body=body) as connection:
        status, _, answer = b"".join(connection.read_on()).partition(b"\r\n\r\n")

    assert status.startswith(b"HTTP/1.1 201 ")
    seen = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])
    assert (seen["method"], seen["path"]) == ("POST", "/items/ž")
    assert seen["query"] == "multi=1&multi=%2F2&empty&text=a+b%20c"
    assert (seen["scheme"], seen["client"]) == ("http", "127.0.0.1")
    assert b64decode(seen["body"]) == body
    headers = seen["headers"]
    assert (headers["x-mixed-case"], headers["x-many"], headers["user-agent"]) == ("Kept", "1,2", "test/1")
    assert f"http://{headers['host']}/" == emulator.urls[url]
    assert headers["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    ("content_type", "body"), [("application/json", '{"ž": 1}'), ("text/plain", "ž"), ("application/xml", "<ž/>")]
)
def test_an_app_reads_text_as_it_was_sent(emulator: EmulatorProcess, url: str, content_type: str, body: str) -> None:
    headers = {"content-type": content_type}

    seen = request(emulator.urls[url], method="PUT", body=body.encode(), headers=headers).json()

    assert b64decode(seen["body"]).decode() == body
    assert seen["method"] == "PUT"


@pytest.mark.parametrize("url", URLS)
def test_an_app_reads_each_cookie(emulator: EmulatorProcess, url: str) -> None:
    seen = request(emulator.urls[url], headers={"Cookie": 'a=1; b="x y"'}).json()

    # apig-wsgi joins both places that a function URL has them in: each is there twice, as on AWS.
    found = SimpleCookie(seen["headers"]["cookie"])
    assert {name: morsel.value for name, morsel in found.items()} == {"a": "1", "b": "x y"}


@pytest.mark.parametrize("url", URLS)
def test_a_request_with_nothing_to_it_has_nothing(emulator: EmulatorProcess, url: str) -> None:
    seen = request(emulator.urls[url]).json()

    assert (seen["method"], seen["path"], seen["query"], seen["body"]) == ("GET", "/", "", "")
    assert not seen["headers"].get("cookie")


@pytest.mark.parametrize("url", URLS)
def test_what_an_app_answers_arrives(emulator: EmulatorProcess, url: str) -> None:
    reply: Reply = request(emulator.urls[url], "/picture")

    assert (reply.status, reply.all("content-type"), reply.body) == (201, ["image/png"], bytes(range(256)))
    assert reply.all("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


@pytest.mark.parametrize("mode", MODES)
def test_powertools_reads_the_request_in_its_event_class(emulator: EmulatorProcess, mode: str) -> None:
    reply = request(
        emulator.urls[f"powertools-{mode}"],
        "/caf%C3%A9?tag=a&tag=b%2Fc&empty=",
        method="POST",
        body='{"ž": 1}'.encode(),
        headers={"Content-Type": "application/json", "Cookie": "a=1; b=2", "User-Agent": "test/1", "X-Mine": "x"},
    )

    seen = reply.json()
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/caf%C3%A9", "tag=a&tag=b%2Fc&empty=")
    assert seen["parameters"] == {"tag": ["a", "b/c"], "empty": [""]}
    assert (seen["headers"]["x-mine"], seen["cookies"]) == ("x", ["a=1", "b=2"])
    assert (seen["client"], seen["user_agent"], seen["protocol"]) == ("127.0.0.1", "test/1", "HTTP/1.1")
    assert seen["account"] == "anonymous"
    assert seen["domain"][0] == f"{seen['domain'][1]}.lambda-url.us-east-1.on.aws"
    assert seen["request_id"] == reply.all("x-amzn-requestid")[0]
    assert isinstance(seen["epoch"], int)
    assert (seen["body"], seen["bytes"]) == ('{"ž": 1}', None)


def test_powertools_reads_bytes_too(emulator: EmulatorProcess) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    seen = request(emulator.urls["powertools-streamed"], method="POST", body=b"a=1&b=2", headers=headers).json()

    assert (seen["body"], b64decode(seen["bytes"])) == ("a=1&b=2", b"a=1&b=2")
