"""The script that the wrapper starts, and where it finds the layer's modules."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify
from processes import clean_environment, run

PACKAGE = Path(lambda_streamify.__file__).parent

# Runs the script without starting the runtime, and prints the value of `expression` in it.
EVALUATE = """
import json, sys
main = sys.argv[1]
sys.argv = [main]
sys.path.insert(0, main.rpartition("/")[0])
listed = []
sys.addaudithook(lambda name, arguments: listed.append(arguments[0]) if name == "os.listdir" else None)
scope = {{"__name__": "streamify_main", "__file__": main}}
exec(compile(open(main).read(), main, "exec"), scope)
finder = next(finder for finder in sys.meta_path if type(finder).__name__ == "LayerFinder")
print(json.dumps({expression}))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as the layer is under /opt."""
    folder = tmp_path_factory.mktemp("opt")
    shutil.copytree(PACKAGE, folder / "python" / "lambda_streamify")
    return Path(shutil.move(folder / "python" / "lambda_streamify" / "streamify-main.py", folder))


def evaluated(main: Path, expression: str, **variables: str) -> Any:
    program = EVALUATE.format(expression=expression)
    return json.loads(run(sys.executable, "-SBc", program, main, env=clean_environment(**variables)))


@pytest.mark.parametrize("name", ["lambda_streamify", "lambda_streamify._core", "lambda_streamify.sse"])
def test_the_layers_modules_come_from_the_layer(root: Path, name: str) -> None:
    file = root.parent / "python" / Path(*name.split("."))
    expected = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")

    assert evaluated(root, f"finder.find_spec({name!r}).origin") == str(expected)


@pytest.mark.parametrize("name", ["lambda_streamify.nothing", "lambda_streamify._core.nothing", "json", "lambda_s"])
def test_what_the_layer_does_not_have_is_left_to_other_finders(root: Path, name: str) -> None:
    assert evaluated(root, f"finder.find_spec({name!r})") is None


def test_each_folder_of_the_layer_is_listed_once(root: Path) -> None:
    python = str(root.parent / "python")
    found = evaluated(root, f"[folder for folder in listed if str(folder).startswith({python!r} + '/lambda')]")

    assert sorted(found) == sorted(set(found))
    assert found


def test_a_copy_in_the_functions_folder_is_never_imported(root: Path, tmp_path: Path) -> None:
    (tmp_path / "lambda_streamify").mkdir()
    for name in ("__init__.py", "sse.py", "theirs.py"):
        (tmp_path / "lambda_streamify" / name).write_text("raise RuntimeError('the wrong one')")

    found = evaluated(root, "__import__('lambda_streamify.sse').sse.__file__", LAMBDA_TASK_ROOT=str(tmp_path))

    assert found == str(root.parent / "python" / "lambda_streamify" / "sse.py")


def test_the_search_path_is_the_same_as_that_of_awss_bootstrap(root: Path, tmp_path: Path) -> None:
    """`site.addsitedir` appends a missing folder a second time, as it does with AWS's file."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = str(root.parent / "python" / "lib" / version / "site-packages")
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra.pth").write_text("extra\n")

    found = evaluated(root, "sys.path", LAMBDA_TASK_ROOT=str(tmp_path), LAMBDA_RUNTIME_DIR="/no/such/runtime")

    assert found[:3] == [str(tmp_path), packages, str(root.parent / "python")]
    assert found[4] == "/no/such/runtime"
    assert found[-2:] == [str(tmp_path / "extra"), packages]
