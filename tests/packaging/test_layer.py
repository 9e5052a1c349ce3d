"""What ships to /opt: exactly this, readable by everybody, and needing nothing but a standard library."""

import ast
import hashlib
import marshal
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from samtranslator.yaml_helper import yaml_parse

from layer_build import (
    LAYER_MODES,
    MODULES,
    PYTHONS,
    SOURCE,
    SOURCE_MODES,
    build_in,
    build_layer,
    make_zip,
    modes,
    unpack,
)
from processes import ROOT, clean_environment, interpreter, run


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zip(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def layer(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda unpacks to /opt: everything below is tested on the zip that is published."""
    return unpack(archive, tmp_path_factory.mktemp("opt"))


def test_the_layer_holds_exactly_the_listed_files_with_their_modes(layer: Path) -> None:
    assert modes(layer) == LAYER_MODES


def test_the_zip_is_the_same_byte_for_byte_whoever_builds_it_and_when(archive: Path, tmp_path: Path) -> None:
    source = shutil.copytree(ROOT, tmp_path / "clone", ignore=ignore_all_but("Makefile", "layers"))
    for path in (source / "layers").rglob("*.*"):
        os.utime(path, (0, 0))
    dist = tmp_path / "dist"

    run("make", "-C", source, "layer", f"DIST={dist}", env=strange_environment(), umask=0o077)

    assert (dist / archive.name).read_bytes() == archive.read_bytes()


def test_the_zip_lists_its_files_by_name_and_no_folders(archive: Path) -> None:
    names = ZipFile(archive).namelist()

    assert names == sorted(LAYER_MODES)


def test_the_checksum_beside_the_zip_is_the_one_that_sha256sum_checks(archive: Path) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()

    assert archive.with_name(f"{archive.name}.sha256").read_text() == f"{digest}  {archive.name}\n"


def test_publishing_is_printed_for_each_region_and_says_what_the_template_says(tmp_path: Path) -> None:
    printed = run("make", "publish-layer", f"DIST={tmp_path}", "REGIONS=eu-west-1 us-east-1")
    commands = [line for line in printed.splitlines() if line.startswith("aws ")]
    template = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["StreamifyLayer"]["Properties"]

    for region, command in zip(["eu-west-1", "us-east-1"], commands, strict=True):
        (archive,) = tmp_path.glob("*.zip")
        assert options(shlex.split(command)) == {
            "--layer-name": [template["LayerName"]],
            "--region": [region],
            "--description": [template["Description"]],
            "--license-info": [template["LicenseInfo"]],
            "--compatible-runtimes": template["CompatibleRuntimes"],
            "--compatible-architectures": template["CompatibleArchitectures"],
            "--zip-file": [f"fileb://{archive}"],
        }


def test_a_strict_umask_on_the_build_machine_locks_nobody_out(tmp_path: Path) -> None:
    layer = build_layer(tmp_path, umask=0o077)

    assert modes(layer) == LAYER_MODES
    folders = [layer, *(path for path in layer.rglob("*") if path.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o755}


def test_what_lies_about_in_the_source_folder_does_not_ship(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    (source / "notes.txt").touch()
    (source / "lambda_streamify" / "notes.txt").touch()
    (source / "lambda_streamify" / "__pycache__").mkdir(exist_ok=True)
    (source / "lambda_streamify" / "__pycache__" / "errors.cpython-311.pyc").touch()

    assert modes(build_in(source, tmp_path / "artifacts")) == LAYER_MODES


def test_a_build_machine_without_any_of_the_pythons_ships_the_sources_alone(tmp_path: Path) -> None:
    layer = build_in(SOURCE, tmp_path / "layer", LAYER_PYTHONS="python3.no-such-version false")

    assert modes(layer) == SOURCE_MODES


def test_the_build_says_which_pythons_have_bytecode_and_which_are_missing(tmp_path: Path) -> None:
    pythons = f"{sys.executable} python3.no-such-version"

    printed = run("make", "layer", f"DIST={tmp_path}", env=clean_environment(LAYER_PYTHONS=pythons))

    assert f"The layer has bytecode for: {sys.executable}\n" in printed
    assert "It has none for: python3.no-such-version (not installed here)." in printed


def test_a_python_that_was_asked_for_and_is_missing_fails_the_build(tmp_path: Path) -> None:
    pythons = f"{sys.executable} python3.no-such-version"

    printed = run("make", "layer", f"DIST={tmp_path}", f"PYTHONS={pythons}", status=2)

    assert "PYTHONS asks for: python3.no-such-version\n" in printed
    assert list(tmp_path.glob("*.zip")) == []


# In kB, zipped. A layer that grows takes longer to fetch: that is worth a look at what has made it larger.
SOURCES_KB, BYTECODE_KB, START_KB = 230, 470, 68


def test_the_zip_does_not_grow_unnoticed(archive: Path) -> None:
    sizes = {True: 0, False: 0}
    for entry in ZipFile(archive).infolist():
        sizes[entry.filename.endswith(".pyc")] += entry.compress_size + 2 * len(entry.filename) + 76  # its two headers

    assert sizes[False] <= SOURCES_KB * 1000
    assert sizes[True] <= BYTECODE_KB * 1000  # of one Python


def test_what_each_start_loads_does_not_grow_unnoticed(archive: Path, layer: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lambda_streamify._runtime.bootstrap; "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('lambda_streamify')))"
    )
    files = run(sys.executable, "-I", "-B", "-c", program, layer / "python").split()
    loaded = {Path(file).relative_to(layer).as_posix() for file in files}
    sizes = [entry.compress_size for entry in ZipFile(archive).infolist() if entry.filename in loaded]

    assert len(sizes) == len(loaded) > 20
    assert sum(sizes) <= START_KB * 1000


def test_bytecode_is_never_checked_against_sources_and_names_them_as_on_lambda(layer: Path) -> None:
    for path in layer.rglob("*.pyc"):
        head, code = path.read_bytes()[:16], marshal.loads(path.read_bytes()[16:])  # noqa: S302 - written by this test
        module = path.parent.parent.relative_to(layer / "python") / path.name.partition(".")[0]

        assert int.from_bytes(head[4:8], "little") == 0b01  # PEP 552: by hash, unchecked
        assert code.co_filename == f"/opt/python/{module}.py"


def test_two_builds_are_the_same_byte_for_byte(layer: Path, tmp_path: Path) -> None:
    again = build_in(
        SOURCE, tmp_path / "layer", PYTHONHASHSEED="random", PYTHONOPTIMIZE="2", PYTHONPYCACHEPREFIX="away"
    )

    assert contents(again) == contents(layer)


def ignore_all_but(*names: str) -> Callable[[str, list[str]], list[str]]:
    """What copytree leaves out of the repository's top level."""
    return lambda folder, found: [name for name in found if Path(folder) == ROOT and name not in names]


def strange_environment() -> dict[str, str]:
    """Return the environment of somebody in Tokyo."""
    return clean_environment(**PYTHONS, TZ="Asia/Tokyo", LANG="C", PYTHONHASHSEED="random", SOURCE_DATE_EPOCH="1")


def options(command: list[str]) -> dict[str, list[str]]:
    """Return the values of each option of a command line."""
    found: dict[str, list[str]] = {}
    for word in command:
        if word.startswith("--"):
            found[word] = values = []
        elif found:
            values.append(word)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in modes(folder)}


# Modules that need a package which the function contains. The package is not on this path, so they cannot be imported.
FOREIGN = {"powertools": "aws_lambda_powertools"}
BROUGHT = {("_signing.py", "botocore")}  # Lambda's runtimes have it; imported when a request is signed
# Each module first of its package, so that none leans on an import that another happens to make.
IMPORT_EACH_ALONE = """
import importlib, sys
root, *modules = sys.argv[1:]
sys.path.insert(0, root + "/python")
before = set(sys.modules)
for module in modules:
    for name in [name for name in sys.modules if name.partition(".")[0] == "lambda_streamify"]:
        del sys.modules[name]
    importlib.import_module(module)
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - sys.stdlib_module_names))
with open(root + "/streamify-main.py") as main:
    compile(main.read(), main.name, "exec")
"""


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_module_imports_alone_with_the_standard_library_only(layer: Path, version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs on this machine")
    modules = [module for module in MODULES if module not in FOREIGN]
    names = [f"lambda_streamify/{module}".removesuffix("/__init__").replace("/", ".") for module in modules]

    # -B: bytecode in the built layer would be one more file than the list has.
    strict = ("-W", "error", "-W", "ignore:lambda_streamify.reading is now")  # it warns by design
    printed = run(python, "-I", "-S", "-B", *strict, "-c", IMPORT_EACH_ALONE, layer, *names)

    assert printed.split() == ["lambda_streamify"]


def test_no_import_anywhere_in_the_layer_names_a_foreign_module(layer: Path) -> None:
    """Imports inside functions too, which importing the module does not run."""
    allowed = sys.stdlib_module_names | {"lambda_streamify", "snapshot_restore_py"}  # the latter is the platform's own
    named = {(path.name, name) for path in layer.rglob("*.py") for name in imported_names(path)}

    foreign = {(file, name) for file, name in named if name not in allowed}
    assert foreign == {(f"{module}.py", name) for module, name in FOREIGN.items()} | BROUGHT


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).partition(".")[0])
    return names
