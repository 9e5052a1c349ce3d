"""The pytest plugin as people get it: from the built wheel, by a pytest of their own, in a project of their own."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from built_wheel import build_wheel, extra_distributions, make_environment
from documents import blocks
from processes import ROOT, clean_environment, run

PROJECT = ROOT / "tests" / "data" / "pytest_project"
PIP_LINE = "pip install 'lambda-streamify[emulator]'"
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the executables of an environment with the wheel, its extra and what projects test with."""
    names = [*extra_distributions("emulator"), "pytest", "pytest-xdist", "pytest-asyncio"]
    return make_environment(tmp_path_factory.mktemp("environment"), wheel, names)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))


def pytest_in(project: Path, environment: Path, cache: Path, *arguments: str, status: int = 0) -> str:
    options = ("-p", "no:cacheprovider", "-o", f"streamify_parameters=PythonRuntime={RUNTIME}")
    return run(
        environment / "python",
        *("-m", "pytest", *options, *arguments),
        cwd=project,
        env=clean_environment(STREAMIFY_CACHE_DIR=str(cache), COLUMNS="120"),
        status=status,
    )


def test_a_project_tests_its_functions_and_its_readers_in_one_session(
    environment: Path, project: Path, cache: Path
) -> None:
    printed = pytest_in(project, environment, cache)

    assert re.search(r"=== 123 passed in ", printed), printed


def test_with_xdist_each_worker_has_functions_of_its_own(environment: Path, project: Path, cache: Path) -> None:
    printed = pytest_in(project, environment, cache, "-n", "2", "tests/test_functions.py")

    assert re.search(r"=== 17 passed in ", printed), printed


def test_a_hundred_tests_on_recordings_need_seconds(environment: Path, project: Path, cache: Path) -> None:
    printed = pytest_in(project, environment, cache, "tests/test_recordings.py", "-k", "test_many")

    summary = re.search(r"=== 100 passed, 6 deselected in (.+?) =", printed)
    assert summary, printed
    print(f"100 tests on recordings: {summary[1]}")  # noqa: T201 - 5 s are asked for; a busy machine must not fail here


def test_the_code_of_the_page_on_testing_runs(environment: Path, project: Path, cache: Path) -> None:
    for number, block in enumerate(blocks(ROOT / "docs" / "guides" / "testing.md", "py")):
        (project / "tests" / f"test_page_{number}.py").write_text(block)

    printed = pytest_in(project, environment, cache, "-k", "test_page")

    assert re.search(r"=== 7 passed, 123 deselected in ", printed), printed


def errors(printed: str) -> list[str]:
    """The lines by which pytest tells what an assertion said."""
    return [line[1:].strip() for line in printed.splitlines() if line.startswith("E ")]


FAILING = """
def test_collected(streamify):
    streamify.get("collected").assert_streamed()

def test_buffered(streamify):
    streamify.get("buffered").assert_streamed()

def test_failed(streamify):
    streamify.get("failing", "/at-once").assert_streamed()

def test_empty(streamify):
    streamify.request("story", "HEAD").assert_streamed()
"""

ONE_CHUNK = "the whole body, 16 bytes, came as one chunk, with no other chunk after it."
HOW_TO_STREAM = (
    "Have the handler return a generator that yields each piece as soon as it exists,"
    " instead of one body that it has collected."
)
COLLECTING_URL = (
    "its URL has the invoke mode BUFFERED, which collects every response."
    " Set InvokeMode: RESPONSE_STREAM in the FunctionUrlConfig of the template."
)


def test_what_did_not_stream_is_told_with_the_reason_and_the_way_out(
    environment: Path, project: Path, cache: Path
) -> None:
    (project / "tests" / "test_failing.py").write_text(FAILING)

    printed = pytest_in(project, environment, cache, "tests/test_failing.py", status=1)

    assert errors(printed) == [
        f"AssertionError: collected did not stream: {ONE_CHUNK}",
        HOW_TO_STREAM,
        f"AssertionError: buffered did not stream: {COLLECTING_URL}",
        "AssertionError: failing did not stream: it failed with Unhandled: no",
        "AssertionError: story did not stream: its response with status 200 has no body.",
    ]
    assert '>       streamify.get("collected").assert_streamed()' in printed  # the user's line, and none of ours
    assert "stream_assertions.py" not in printed
    assert " Captured function logs call ---" in printed
    assert "failing: about to fail" in printed


DIFFERING = """
import pytest

@pytest.fixture
def result(streamify):
    return streamify.post("rows", json={"rows": 3, "name": "x", "size": 60})

def recorded(tmp_path, *chunks, end='[9000,"x",{"reason":"end","bytes":0,"chunks":0}]'):
    path = tmp_path / "rows.ndjson"
    lines = ['{"version":1,"kind":"lambda-stream","layer":"client"}']
    for number, (row, char) in enumerate(chunks):
        lines.append(f'[{number + 1}500,"o","{row}"]'.replace("CHAR", char * 60))
    path.write_text("\\n".join([*lines, end, ""]))
    return path

def row(number):
    return '{\\\\"row\\\\":%d,\\\\"text\\\\":\\\\"CHAR\\\\"}\\\\n' % number

def test_value(result, tmp_path):
    result.assert_matches(recorded(tmp_path, (row(0), "x"), (row(1), "y"), (row(2), "x")))

def test_missing(result, tmp_path):
    result.assert_matches(recorded(tmp_path, *((row(number), "x") for number in range(4))))

def test_borders(result, tmp_path):
    result.assert_matches(recorded(tmp_path, (row(0) + row(1), "x"), (row(2), "x")))

def test_bytes(result, tmp_path):
    result.assert_matches(recorded(tmp_path, (row(0) + row(1), "x"), (row(3), "x")), borders=False)

def test_end(result, tmp_path):
    error = '[8000,"e",{"type":"Function.KeyError","message":"time"}]'
    end = error + '\\n[9000,"x",{"reason":"error","bytes":0,"chunks":0}]'
    result.assert_matches(recorded(tmp_path, *((row(number), "x") for number in range(3)), end=end))

def test_same(result, tmp_path):
    result.assert_matches(recorded(tmp_path, *((row(number), "x") for number in range(3))))
    result.assert_matches(recorded(tmp_path, (row(0) + row(1), "x"), (row(2), "x")), borders=False)
"""


def test_a_stream_that_is_not_the_recorded_one_is_told_by_its_first_difference(
    environment: Path, project: Path, cache: Path
) -> None:
    (project / "tests" / "test_differing.py").write_text(DIFFERING)

    printed = pytest_in(project, environment, cache, "tests/test_differing.py", status=1)

    told = re.sub(r"recorded in /.*rows.ndjson", "recorded in FILE", "\n".join(errors(printed)))
    told = re.sub(r"(got .*, at )[\d.]+ m?s", r"\1TIME", told)  # the one thing that is never the same
    assert told == DIFFERENCES
    assert "1 passed" in printed


DIFFERENCES = """\
AssertionError: rows did not answer as recorded in FILE: chunks[1] differs
expected  chunks[1], 80 bytes, at 2.50 ms: b'{"row":1,"text":"yyyyyyyyyyyyyyyyyyyyyyyy'...
got       chunks[1], 80 bytes, at TIME: b'{"row":1,"text":"xxxxxxxxxxxxxxxxxxxxxxxx'...
AssertionError: rows did not answer as recorded in FILE: chunks[3] differs
expected  chunks[3], 80 bytes, at 4.50 ms: b'{"row":3,"text":"xxxxxxx'...
got       no chunks[3]: 3 chunks, 240 bytes in all
AssertionError: rows did not answer as recorded in FILE: chunks[0] differs
expected  chunks[0], 160 bytes, at 1.50 ms: ...b'xxxxxxxxxxxxxxxxxxxxx"}\\n{"row":1,"text":"xxxxxxx'...
got       chunks[0], 80 bytes, at TIME: ...b'xxxxxxxxxxxxxxxxxxxxx"}\\n'
The bytes are the same, only the chunks differ: borders=False ignores that.
AssertionError: rows did not answer as recorded in FILE: byte 167 of the body differs
expected  chunks[1], 80 bytes, at 2.50 ms: b'{"row":3,"text":"xxxxxxxxxxxxxx'...
got       chunks[2], 80 bytes, at TIME: b'{"row":2,"text":"xxxxxxxxxxxxxx'...
AssertionError: rows did not answer as recorded in FILE: the bytes are the same, the end differs
expected  error (Function.KeyError: time)
got       end"""


def test_the_fixtures_are_documented(environment: Path, project: Path, cache: Path) -> None:
    printed = pytest_in(project, environment, cache, "--fixtures")

    assert "\nstreamify -- " in printed
    assert "The running functions of the SAM template" in printed
    assert "\nstream_recording -- " in printed


def test_a_template_that_is_missing_is_told_in_one_line(environment: Path, project: Path, cache: Path) -> None:
    (project / "template.yaml").unlink()

    printed = pytest_in(project, environment, cache, "-k", "head_request", status=1)

    path = project / "template.yaml"
    assert f"there is no template {path}: set the pytest option streamify_template" in printed.splitlines()
    assert "Traceback" not in printed


def test_a_template_that_is_wrong_is_told_in_one_line(environment: Path, project: Path, cache: Path) -> None:
    (project / "template.yaml").write_text("Resources: {}\n")

    printed = pytest_in(project, environment, cache, "-k", "head_request", status=1)

    path = project / "template.yaml"
    assert f"{path}: it has no parameter PythonRuntime; its parameters: none" in printed.splitlines()
    assert "Traceback" not in printed


def test_a_parameter_without_a_value_is_told_in_one_line(environment: Path, project: Path, cache: Path) -> None:
    printed = pytest_in(
        project, environment, cache, "-o", "streamify_parameters=PythonRuntime", "-k", "head_request", status=1
    )

    assert "streamify_parameters: 'PythonRuntime' must be written as NAME=VALUE" in printed.splitlines()


def test_without_the_extra_tests_of_functions_are_skipped_with_the_pip_line(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, project: Path, cache: Path
) -> None:
    bare = make_environment(tmp_path_factory.mktemp("bare"), wheel, ["pytest"])
    options = ("-o", "filterwarnings=", "-rs", "-k", "not coroutines and not async")

    printed = pytest_in(project, bare, cache, *options)

    assert PIP_LINE in printed
    assert "104 passed, 17 skipped, 2 deselected" in printed  # recordings need nothing more
