"""Flask and Django behind function URLs: the built layer, in a process of its own, seen from the client.

The examples of docs/guides/frameworks/wsgi.md run here too.
"""

import hashlib
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from http_events import multipart
from processes import ROOT
from url_client import request, wire

CODE = ROOT / "tests" / "data" / "wsgi"
APPS = ("flask", "django")
PAGE = ROOT / "docs" / "guides" / "frameworks" / "wsgi.md"
FLASK, DJANGO = (block for block in blocks(PAGE, "py") if "wsgi.handler(" in block)
(UNIT_TEST,) = (block for block in blocks(PAGE, "py") if "/count/2" in block)
HANDLERS = {
    "flask": "flask_app.handler",
    "django": "django_app.handler",
    "flask-example": "flask_example.lambda_handler",
    "django-example": "django_example.lambda_handler",
}

# What Django's own `startproject` and its users write around the example.
SETTINGS = """
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
SECRET_KEY = "any"
"""
URLS = """
from django.http import StreamingHttpResponse
from django.urls import path

def count(request, last):
    return StreamingHttpResponse(f"{number}\\n" for number in range(1, last + 1))

urlpatterns = [path("count/<int:last>", count)]
"""

every_app = pytest.mark.parametrize("app", APPS)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("wsgi")
    with emulating(folder, cache, template=write_template(folder), measured=False) as emulator:
        yield emulator


def write_template(folder: Path) -> Path:
    """Return a template with one function for each app; the frameworks are those of the tests."""
    code = folder / "code"
    code.mkdir()
    for source in CODE.glob("*.py"):
        (code / source.name).write_text(source.read_text())
    (code / "flask_example.py").write_text(FLASK)
    (code / "django_example.py").write_text(DJANGO)
    (code / "mysite").mkdir()
    (code / "mysite" / "settings.py").write_text(SETTINGS)
    (code / "mysite" / "urls.py").write_text(URLS)
    (code / "frameworks.pth").write_text(sysconfig.get_path("purelib"))
    resources: dict[str, Any] = {
        "StreamifyLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "makefile"},
            "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
        }
    }
    for name, handler in HANDLERS.items():
        properties = {
            "FunctionName": name,
            "CodeUri": "code",
            "Handler": handler,
            "Runtime": {"Ref": "PythonRuntime"},
            "Timeout": 60,
            "Layers": [{"Ref": "StreamifyLayer"}],
            "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}},
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"},
        }
        resources[name.title().replace("-", "")] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Parameters": {"PythonRuntime": {"Type": "String"}}, "Resources": resources}))
    return path


@every_app
def test_each_chunk_comes_before_the_next_is_made_and_the_end_before_what_is_done_after_it(
    app: str, emulator: EmulatorProcess, gate: Gate
) -> None:
    with wire(emulator.urls[app], "/gated", gate=gate.address) as connection:
        head = connection.read_until(b"\r\n\r\n").lower()
        assert head.startswith(b"http/1.1 201 ")
        assert b"\r\ncontent-type: text/event-stream\r\n" in head
        assert b"\r\nset-cookie: a=1; path=/\r\n" in head
        assert b"\r\nset-cookie: b=2; path=/\r\n" in head
        for number in range(3):
            frame = b"8\r\nchunk %d\n\r\n" % number
            assert connection.read_until(frame) == frame
            gate.open()
        assert b"".join(connection.read_on()) == b"0\r\n\r\n"
        gate.open()  # where the app waits when its response is over


@every_app
def test_an_upload_and_the_page_that_it_leads_to(app: str, emulator: EmulatorProcess) -> None:
    data = bytes(range(256)) * 4000
    content_type, body = multipart({"name": "é&"}, {"file": ("a.bin", data)})

    reply = request(emulator.urls[app], "/upload", method="POST", body=body, headers={"content-type": content_type})
    assert reply.status == 302
    (location,) = reply.all("location")

    page = request(emulator.urls[app], location)
    assert page.body.decode() == f"é&: {hashlib.sha256(data).hexdigest()}"


@every_app
def test_an_error_midway_is_logged_and_the_next_request_answered(app: str, emulator: EmulatorProcess) -> None:
    with emulator.logged("ValueError: midway"):
        assert request(emulator.urls[app], "/broken").body == b"good\n"

    assert request(emulator.urls[app], "/nowhere").status == 404


@pytest.mark.parametrize("example", ["flask-example", "django-example"])
def test_the_examples_of_the_documents_stream(example: str, emulator: EmulatorProcess) -> None:
    with wire(emulator.urls[example], "/count/3") as connection:
        connection.read_until(b"\r\n\r\n")
        assert b"".join(connection.read_on()) == b"2\r\n1\n\r\n2\r\n2\n\r\n2\r\n3\n\r\n0\r\n\r\n"


def test_so_does_the_example_of_a_unit_test() -> None:
    exec(compile(FLASK + UNIT_TEST, "example", "exec"), {"__name__": "example"})  # noqa: S102
