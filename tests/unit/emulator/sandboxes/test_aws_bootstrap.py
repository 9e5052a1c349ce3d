import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lambda_streamify_emulator.sandboxes import aws_bootstrap

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
RUN: list[list[str]] = []


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders that replace Lambda's, and a runtime client that only records its arguments."""
    task = tmp_path / "task"
    for folder in (task, tmp_path / "opt" / "python"):
        folder.mkdir(parents=True)
        (folder / "more.pth").write_text("import os; os.environ['PTH'] = os.environ.get('PTH', '') + '.'")
    client = ModuleType("awslambdaric.__main__")
    client.main = RUN.append  # type: ignore[attr-defined]
    RUN.clear()
    monkeypatch.setitem(sys.modules, "awslambdaric.__main__", client)
    monkeypatch.setattr(sys, "path", ["/runtime", "/lib"])
    monkeypatch.setattr(aws_bootstrap, "OPT", str(tmp_path / "opt"))
    variables = {"LAMBDA_TASK_ROOT": str(task), "LAMBDA_RUNTIME_DIR": "/runtime", "_HANDLER": "app.handler", "PTH": ""}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.delenv("PYTHONPATH")
    return tmp_path


def test_modules_are_found_in_the_order_of_aws_and_the_client_is_started(sandbox: Path) -> None:
    aws_bootstrap.main()

    task, python = f"{sandbox}/task", f"{sandbox}/opt/python"
    aws = f"/var/lang/lib/{VERSION}/site-packages"
    assert sys.path[:6] == [task, f"{python}/lib/{VERSION}/site-packages", python, aws, "/runtime", "/lib"]
    assert os.environ["PYTHONPATH"] == "/runtime"
    assert os.environ["PTH"] == ".."
    assert [[task, "app.handler"]] == RUN


def test_a_search_path_that_a_wrapper_has_set_stays(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    aws_bootstrap.main()

    assert sys.path == [f"{sandbox}/task", "/runtime", "/lib"]
    assert os.environ["PYTHONPATH"] == "/elsewhere"


def test_without_the_client_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awslambdaric.__main__", None)

    with pytest.raises(SystemExit, match=f"^AWS's own runtime cannot be imported here for {VERSION}: "):
        aws_bootstrap.main()
