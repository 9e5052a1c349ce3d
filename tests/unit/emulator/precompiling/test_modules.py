import sys
from importlib.util import cache_from_source
from pathlib import Path

from built_project import RUNTIME, bytecode, write_build
from lambda_streamify_emulator.precompiling.modules import bytecode_file, modules, unpacked_bytes, without_bytecode


def test_modules_are_the_sources_in_the_order_of_their_paths(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    (folder / "data.json").write_text("{}")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "odd.py").write_text("")

    assert [path.relative_to(folder).as_posix() for path in modules(folder)] == [
        "app.py",
        "package/__init__.py",
        "package/unused.py",
    ]


def test_links_to_folders_and_to_nothing_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nothing")
    (tmp_path / "app.py").write_text("")

    assert list(modules(tmp_path)) == [tmp_path / "app.py"]


def test_bytecode_is_where_this_python_looks_for_it() -> None:
    for name in ("app.py", "folder/my-app.py", "my.dotted.py"):
        source = Path("/var/task") / name

        assert bytecode_file(source, RUNTIME) == Path(cache_from_source(str(source)))


def test_a_module_needs_bytecode_for_each_runtime(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    for runtime in ("python3.12", "python3.13"):
        assert without_bytecode([source], ["python3.12", "python3.13"]) == [source]
        place = bytecode_file(source, runtime)
        place.parent.mkdir(exist_ok=True)
        place.touch()

    assert without_bytecode([source], ["python3.12", "python3.13"]) == []


def test_the_unpacked_size_is_that_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "one").write_bytes(bytes(3))
    (tmp_path / "folder" / "two").write_bytes(bytes(4))

    assert unpacked_bytes(tmp_path) == 7


def test_nothing_is_compiled_by_looking(tmp_path: Path) -> None:
    folder = write_build(tmp_path)

    assert without_bytecode(modules(folder), [RUNTIME]) == list(modules(folder))
    assert bytecode(folder) == {}
    assert sys.implementation.cache_tag == f"cpython-{RUNTIME.removeprefix('python').replace('.', '')}"
