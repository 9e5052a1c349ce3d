"""tests/ecosystem/test_load.py runs such files."""

import ast
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from lambda_streamify_emulator.errors import LoadError
from lambda_streamify_emulator.load.locustfile import command, export, locustfile
from lambda_streamify_emulator.load.plan import Plan

PLAN = Plan("https://example.com/story?a=1", method="GET")


def test_a_locustfile_reads_the_url() -> None:
    assert (
        locustfile(PLAN)
        == '''\
"""Run it with: locust -f locustfile.py --headless --users 10 --spawn-rate 10 --run-time 10s --stop-timeout 10"""

from locust import task

from lambda_streamify_emulator.load import StreamUser


class Reader(StreamUser):
    host = 'https://example.com/story?a=1'

    @task
    def read(self) -> None:
        self.stream(method='GET')
'''
    )


def test_a_locustfile_has_the_request_the_rate_and_the_limits() -> None:
    plan = Plan("http://x/", "POST", {"a": "b'c"}, b"\xff'\n", b"done", users=40, rate=2.5, slo="ttfb=1s")

    text = locustfile(plan)

    ast.parse(text)
    assert "    rate = 2.5 / 40  # streams per second of each user\n    slo = 'ttfb=1s'\n" in text
    assert f"self.stream(method='POST', headers={{'a': \"b'c\"}}, body={plan.body!r}, ends_with=b'done')" in text


def test_the_command_has_what_the_file_cannot_say() -> None:
    """Locust takes whole seconds."""
    plan = Plan("http://x/", users=4, spawn_rate=0.5, duration=2.5)

    assert command(plan).endswith("--users 4 --spawn-rate 0.5 --run-time 3s --stop-timeout 10")


@pytest.mark.parametrize(("name", "written"), [("load.py", "load.py"), ("locustfile", "locustfile.py")])
def test_a_file_is_exported(tmp_path: Path, name: str, written: str) -> None:
    assert export(PLAN, tmp_path / name) == tmp_path / written
    assert (tmp_path / written).read_text() == locustfile(PLAN)


def test_a_zip_holds_what_the_locustfile_imports(tmp_path: Path) -> None:
    with ZipFile(export(PLAN, tmp_path / "load.zip")) as archive:
        assert archive.namelist() == ["locustfile.py", "lambda_streamify.zip"]
        text, library = archive.read("locustfile.py").decode(), archive.read("lambda_streamify.zip")
    with ZipFile(BytesIO(library)) as archive:
        names = archive.namelist()

    ast.parse(text)
    assert 'sys.path.append(str(Path(__file__).with_name("lambda_streamify.zip")))' in text
    assert text.endswith(locustfile(PLAN).partition("\n")[2])
    assert {"lambda_streamify_emulator/load/stream_user.py", "lambda_streamify_emulator/account.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("load.txt", r"--export .*load\.txt: the name must end in \.py, or in \.zip"),
        ("missing/load.py", r"--export .*load\.py: it cannot be written: No such file or directory"),
        ("missing/load.zip", r"--export .*load\.zip: it cannot be written: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        export(PLAN, tmp_path / name)
