import sys
from pathlib import Path

import pytest

from built_project import BUILT, write_build
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.precompiling.build import Build
from lambda_streamify_emulator.precompiling.compiling import compile_modules
from lambda_streamify_emulator.precompiling.modules import modules
from lambda_streamify_emulator.precompiling.plan import Job, plan
from lambda_streamify_emulator.precompiling.reading import read_build
from lambda_streamify_emulator.precompiling.starts import Starts

pytestmark = pytest.mark.slow


def built(folder: Path, template: str = BUILT, **files: str) -> Build:
    return read_build(write_build(folder, template, **files), {})


def starts(build: Build) -> Starts:
    return Starts(build.functions[0], sys.executable)


def compile_all(build: Build) -> None:
    for job in plan(build.packages, lambda runtime: (sys.executable, runtime), modules):
        assert isinstance(job, Job)
        compile_modules(job, pytest.fail)


def test_what_the_handlers_module_imports_are_files_of_the_function_and_its_layers(tmp_path: Path) -> None:
    build = built(tmp_path)

    with starts(build) as handler:
        assert handler.imported() == {tmp_path / "Hello" / "app.py", tmp_path / "Shared" / "python" / "shared.py"}
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_handler_may_be_in_a_package(tmp_path: Path) -> None:
    build = built(tmp_path, BUILT.replace("app.handler", "package/unused.handler"))

    with starts(build) as handler:
        names = {path.relative_to(tmp_path).as_posix() for path in handler.imported()}
    assert names == {"Hello/package/__init__.py", "Hello/package/unused.py"}


def test_the_search_path_is_that_of_lambda(tmp_path: Path) -> None:
    """The function, a later layer, an earlier layer, boto3; and nothing else that is installed here."""
    template = (
        BUILT.replace("[!Ref Shared]", "[!Ref Shared, !Ref Later]")
        + """\
  Later:
    Type: AWS::Serverless::LayerVersion
    Metadata: {SamResourceId: Later}
    Properties: {ContentUri: Later}
"""
    )
    app = """\
import importlib.util, shared, both, boto3
assert importlib.util.find_spec("pytest") is None
"""
    files = {
        "Hello/app.py": app,
        "Hello/both.py": "",
        "Shared/python/shared.py": "raise SystemExit('the earlier layer')",
        "Shared/python/both.py": "raise SystemExit('the layer')",
        "Later/python/shared.py": "",
    }
    build = built(tmp_path, template, **files)

    with starts(build) as handler:
        names = {path.relative_to(tmp_path).as_posix() for path in handler.imported()}
    assert names == {"Hello/app.py", "Hello/both.py", "Later/python/shared.py"}


def test_a_function_has_the_variables_of_its_template_and_none_of_this_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of this shell")
    template = BUILT.replace("Layers:", "Environment: {Variables: {TABLE: orders}}, Layers:")
    app = "import os\nassert os.environ['TABLE'] == 'orders' and 'SECRET' not in os.environ\n"

    with starts(built(tmp_path, template, **{"Hello/app.py": app})) as handler:
        assert len(handler.imported()) == 1


def test_the_layer_that_is_installed_here_stands_for_that_of_an_arn(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
    template = BUILT.replace("[!Ref Shared]", f"['{arn}']")
    build = built(tmp_path, template, **{"Hello/app.py": "import lambda_streamify\n"})

    with starts(build) as handler:
        assert tmp_path / "Hello" / "app.py" in handler.imported()


def test_one_kind_of_start_runs_the_bytecode_and_the_other_compiles(tmp_path: Path) -> None:
    """It is seen by sources that have changed since."""
    build = built(tmp_path, **{"Shared/python/shared.py": "raise SystemExit('bytecode')\n"})
    compile_all(build)
    (tmp_path / "Shared" / "python" / "shared.py").write_text("")

    with starts(build) as handler:
        assert len(handler.imported()) == 2
        with pytest.raises(BuildError, match=r"^app cannot be imported here: SystemExit: bytecode$"):
            handler.saving()


def test_both_kinds_of_start_are_measured(tmp_path: Path) -> None:
    build = built(tmp_path)
    compile_all(build)

    with starts(build) as handler:
        saving = handler.saving()

    assert saving.module == "app"
    assert saving.with_s > 0
    assert saving.without_s > 0


def test_what_a_module_prints_and_starts_is_no_part_of_the_answer(tmp_path: Path) -> None:
    app = """\
import os, threading
print("{}", flush=True)
os.write(1, b"1")
threading.Thread(target=threading.Event().wait).start()
"""

    with starts(built(tmp_path, **{"Hello/app.py": app})) as handler:
        assert len(handler.imported()) == 1


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("import absent", "ModuleNotFoundError: No module named 'absent'"),
        ("import os\nos.environ['TABLE']", "KeyError: 'TABLE'"),
        ("import os\nos._exit(3)", "exit status 3"),
    ],
)
def test_a_module_that_cannot_be_imported_here_is_named(tmp_path: Path, app: str, reason: str) -> None:
    said = f"^app cannot be imported here: {reason}$"
    with starts(built(tmp_path, **{"Hello/app.py": app})) as handler, pytest.raises(BuildError, match=said):
        handler.imported()


def test_an_import_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambda_streamify_emulator.precompiling.starts.IMPORT_TIMEOUT_S", 0.5)
    app = "import threading\nthreading.Event().wait()\n"

    said = r"^the import of app takes longer than 0\.5 s$"
    with starts(built(tmp_path, **{"Hello/app.py": app})) as handler, pytest.raises(BuildError, match=said):
        handler.imported()


EVENT = b'{"name": "Ada"}'
ANSWERING = """\
import shared


def handler(event, context):
    assert context.get_remaining_time_in_millis() > 0
    assert event == {"name": "Ada"}
    import package
    return "Hello"
"""


def test_with_an_event_they_are_also_what_the_handler_imports(tmp_path: Path) -> None:
    build = built(tmp_path, **{"Hello/app.py": ANSWERING})

    with starts(build) as handler:
        added = handler.imported(EVENT) - handler.imported()
    assert added == {tmp_path / "Hello" / "package" / "__init__.py"}


def test_the_whole_stream_of_a_handler_is_read_with_the_layer(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
    app = """\
async def handler(event, context):
    yield "first"
    import package.unused
    yield "second"
"""
    build = built(tmp_path, BUILT.replace("[!Ref Shared]", f"['{arn}']"), **{"Hello/app.py": app})

    with starts(build) as handler:
        names = {path.relative_to(tmp_path).as_posix() for path in handler.imported(EVENT) if "Hello" in path.parts}
    assert names == {"Hello/app.py", "Hello/package/__init__.py", "Hello/package/unused.py"}


def test_a_handler_that_raises_for_the_event_is_named(tmp_path: Path) -> None:
    app = "def handler(event, context):\n    raise KeyError('TABLE')\n"
    build = built(tmp_path, **{"Hello/app.py": app})

    reason = r"^app cannot be imported or called with the event here: KeyError: 'TABLE'$"
    with starts(build) as handler, pytest.raises(BuildError, match=reason):
        handler.imported(EVENT)
