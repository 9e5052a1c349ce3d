"""What `pip install lambda-streamify` brings, built as for a release and tried in an environment of its own."""

import importlib.metadata
import zipfile
from pathlib import Path

import pytest

from built_wheel import build_wheel, make_environment
from layer_build import MODULES
from processes import run

EMULATOR_MODULES = (
    "__init__",
    "__main__",
    "activity",
    "advice",
    "archives",
    "asgi",
    "aws_bootstrap",
    "bandwidth",
    "buffered",
    "cache",
    "channel",
    "cli",
    "clocks",
    "command_errors",
    "command_events",
    "content_encoding",
    "cors",
    "dashboard",
    "dashboard_form",
    "dashboard_requests",
    "debug_launcher",
    "debugger",
    "descriptions",
    "diff",
    "distribution",
    "doctor",
    "emulator",
    "endings",
    "env_vars",
    "environment",
    "errors",
    "eventstream",
    "faults",
    "freezer",
    "function_url",
    "host_check",
    "http_protocol",
    "iam",
    "interpreters",
    "intrinsics",
    "invocation",
    "invocation_log",
    "invoke",
    "lambda_api",
    "layers",
    "limits",
    "load",
    "load_command",
    "load_figures",
    "load_process",
    "lockstep",
    "marks",
    "makefiles",
    "memory",
    "output",
    "packages",
    "playback",
    "plot",
    "plot_png",
    "pool",
    "prelude",
    "programs",
    "pytest_plugin",
    "reaper",
    "recorder",
    "recording",
    "recording_channel",
    "recording_commands",
    "recording_file",
    "replay",
    "replay_serve",
    "replay_url",
    "requirements",
    "response_headers",
    "rest_api",
    "rest_cors",
    "rest_event",
    "rest_response",
    "routes",
    "runtime_api",
    "runtime_calls",
    "runtime_connection",
    "runtime_errors",
    "runtime_folder",
    "runtime_states",
    "runtime_wire",
    "sandbox",
    "serve",
    "settings",
    "signing",
    "sigv4",
    "stream_assertions",
    "stream_client",
    "stream_events",
    "stream_result",
    "stream_view",
    "streamify_fixture",
    "strip",
    "task_root",
    "template",
    "template_apis",
    "template_document",
    "template_functions",
    "template_layers",
    "template_parameters",
    "template_urls",
    "template_values",
    "terminal",
    "testing_emulator",
    "timeline",
    "turns",
    "url_client",
    "url_event",
    "url_response",
    "watched_channel",
    "web_server",
)

PAGE = ("form.js", "index.html", "script.js", "style.css", "timeline.js")

PIP_LINE = "pip install 'lambda-streamify[emulator]'"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and pytest, and no other package: the folder of its executables."""
    return make_environment(tmp_path_factory.mktemp("environment"), wheel, ["pytest"])


def test_the_wheel_holds_exactly_the_two_packages(wheel: Path) -> None:
    version = importlib.metadata.version("lambda-streamify")
    metadata = f"lambda_streamify-{version}.dist-info"

    assert set(zipfile.ZipFile(wheel).namelist()) == {
        "lambda_streamify/py.typed",
        "lambda_streamify/streamify-main.py",
        "lambda_streamify/streamify.sh",
        *(f"lambda_streamify/{module}.py" for module in MODULES),
        "lambda_streamify_emulator/py.typed",
        *(f"lambda_streamify_emulator/{module}.py" for module in EMULATOR_MODULES),
        *(f"lambda_streamify_emulator/dashboard_page/{name}" for name in PAGE),
        f"{metadata}/METADATA",
        f"{metadata}/RECORD",
        f"{metadata}/WHEEL",
        f"{metadata}/entry_points.txt",
        f"{metadata}/licenses/LICENSE",
    }


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> importlib.metadata.Distribution:
    (distribution,) = importlib.metadata.distributions(path=[str(wheel)])
    return distribution


def test_the_wheel_names_the_command_and_the_pytest_plugin(metadata: importlib.metadata.Distribution) -> None:
    assert {(point.group, point.name, point.value) for point in metadata.entry_points} == {
        ("console_scripts", "streamify", "lambda_streamify_emulator.__main__:main"),
        ("pytest11", "streamify", "lambda_streamify_emulator.pytest_plugin"),
    }


def test_the_wheel_alone_needs_no_other_package(metadata: importlib.metadata.Distribution) -> None:
    assert [line for line in metadata.requires or [] if "extra ==" not in line] == []


def test_without_the_extra_the_command_prints_the_pip_line_and_exits_2(site: Path) -> None:
    assert PIP_LINE in run(site / "streamify", "serve", status=2)


def test_without_the_extra_another_project_s_pytest_runs_as_before(site: Path, tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("def test_nothing():\n    pass\n")

    printed = run(site / "python", "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", cwd=tmp_path)

    assert "1 passed" in printed
    assert "warning" not in printed
