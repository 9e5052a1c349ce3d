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
    "building/__init__",
    "building/archives",
    "building/cache",
    "building/layers",
    "building/makefiles",
    "building/programs",
    "building/requirements",
    "building/task_root",
    "commands/__init__",
    "commands/cli",
    "commands/errors",
    "commands/events",
    "commands/invoke",
    "commands/recording_commands",
    "commands/replay_serve",
    "commands/serve",
    "commands/signing",
    "commands/stream_view",
    "commands/strip",
    "commands/terminal",
    "commands/url_client",
    "dashboard/__init__",
    "dashboard/activity",
    "dashboard/app",
    "dashboard/form",
    "dashboard/requests",
    "emulator",
    "errors",
    "invocations/__init__",
    "invocations/channel",
    "invocations/invocation",
    "invocations/invocation_log",
    "invocations/limits",
    "invocations/lockstep",
    "invocations/prelude",
    "invocations/recording_channel",
    "invocations/watched_channel",
    "lambda_api/__init__",
    "lambda_api/descriptions",
    "lambda_api/eventstream",
    "lambda_api/server",
    "load/__init__",
    "load/command",
    "load/figures",
    "load/process",
    "load/runner",
    "pytest_plugin",
    "recordings/__init__",
    "recordings/advice",
    "recordings/clocks",
    "recordings/diff",
    "recordings/distribution",
    "recordings/doctor",
    "recordings/faults",
    "recordings/marks",
    "recordings/playback",
    "recordings/plot",
    "recordings/plot_png",
    "recordings/recorder",
    "recordings/recording",
    "recordings/recording_file",
    "recordings/replay",
    "recordings/replay_url",
    "recordings/timeline",
    "recordings/turns",
    "rest_apis/__init__",
    "rest_apis/cors",
    "rest_apis/event",
    "rest_apis/response",
    "rest_apis/rest_api",
    "rest_apis/routes",
    "runtime_api/__init__",
    "runtime_api/bandwidth",
    "runtime_api/calls",
    "runtime_api/connection",
    "runtime_api/error_reports",
    "runtime_api/server",
    "runtime_api/states",
    "runtime_api/wire",
    "sandboxes/__init__",
    "sandboxes/aws_bootstrap",
    "sandboxes/debug_launcher",
    "sandboxes/debugger",
    "sandboxes/endings",
    "sandboxes/environment",
    "sandboxes/freezer",
    "sandboxes/interpreters",
    "sandboxes/memory",
    "sandboxes/output",
    "sandboxes/packages",
    "sandboxes/pool",
    "sandboxes/reaper",
    "sandboxes/runtime_folder",
    "sandboxes/sandbox",
    "settings",
    "template/__init__",
    "template/apis",
    "template/document",
    "template/env_vars",
    "template/functions",
    "template/intrinsics",
    "template/layers",
    "template/parameters",
    "template/reader",
    "template/urls",
    "template/values",
    "testing/__init__",
    "testing/assertions",
    "testing/client",
    "testing/emulator",
    "testing/events",
    "testing/fixture",
    "testing/result",
    "urls/__init__",
    "urls/buffered",
    "urls/event",
    "urls/function_url",
    "urls/response",
    "web/__init__",
    "web/asgi",
    "web/content_encoding",
    "web/cors",
    "web/host_check",
    "web/http_protocol",
    "web/iam",
    "web/response_headers",
    "web/sigv4",
    "web/web_server",
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
        *(f"lambda_streamify_emulator/dashboard/page/{name}" for name in PAGE),
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
