"""What `pip install lambda-streamify` brings, built as for a release and tried in an environment of its own."""

import importlib.metadata
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from layer_build import MODULES
from processes import ROOT, run

EMULATOR_MODULES = (
    "__init__",
    "__main__",
    "advice",
    "asgi",
    "aws_bootstrap",
    "bandwidth",
    "buffered",
    "cache",
    "channel",
    "cli",
    "clocks",
    "command_errors",
    "descriptions",
    "diff",
    "doctor",
    "emulator",
    "endings",
    "environment",
    "errors",
    "eventstream",
    "faults",
    "freezer",
    "function_url",
    "interpreters",
    "intrinsics",
    "invocation",
    "invocation_log",
    "invoke",
    "lambda_api",
    "layers",
    "limits",
    "memory",
    "output",
    "plot",
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
    "stream_view",
    "task_root",
    "template",
    "terminal",
    "timeline",
    "turns",
    "url_client",
    "url_event",
    "web_server",
)

PIP_LINE = "pip install 'lambda-streamify[emulator]'"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git has or would add: what a clone holds, not what lies about."""
    export, dist = tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("dist")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in listed:
        if (ROOT / name).is_file():
            (export / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, export / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, cwd=export)
    (built,) = dist.iterdir()
    return built


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and pytest, and no other package: the folder of its executables."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name in with_dependencies("pytest"):
        link_distribution(name, packages)
    return environment / "bin"


def with_dependencies(name: str) -> set[str]:
    found = {name}
    for line in importlib.metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found |= with_dependencies(requirement.name)
    return found


def link_distribution(name: str, packages: Path) -> None:
    """Linked from the environment that runs the tests: nothing is fetched."""
    distribution = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(distribution.locate_file(top))))


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
