"""The package as a whole: its imports, its public names, and what it costs to import."""

import re
import sys
from pathlib import Path

import pytest

import lambda_streamify
from import_graph import ImportGraph, circle
from processes import clean_environment, run

FOLDER = Path(lambda_streamify.__file__).parent
GRAPH = ImportGraph(FOLDER)

# What each folder and each public module may import. The empty name is the package itself, for its version.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "_core": {"errors"},
    "_wire": {"_core", "errors"},
    "_response": {"_core", "_wire", "errors"},
    "_bodies": {"_core", "_response", "errors"},
    "_web": {"_core", "_response", "errors"},
    "_runtime": {"", "_concurrency", "_core", "_response", "_wire", "errors"},
    "_concurrency": {"_core", "_response", "_runtime", "_wire", "errors"},
    "__main__": {"_runtime"},
    "asgi": {"_core", "_response", "_web", "errors"},
    "wsgi": {"_core", "_response", "_web", "errors"},
    "sse": {"_bodies", "errors"},
    "ndjson": {"_bodies"},
    "client": {"", "_web", "errors"},
    "powertools": {"_bodies", "_response", "errors"},
    "agentcore": {"_bodies", "_response", "_web", "errors"},
    "reading": {"client"},
    "_resume": {"_bodies", "_core", "_response", "_web", "errors", "sse"},
    "resume": {"_resume"},
    "_observe": {"errors"},
    "observe": {"_core", "_observe", "_wire", "errors"},
    "testing": {"_core", "_response", "_wire", "errors"},
}
PUBLIC = ("agentcore", "asgi", "client", "errors", "ndjson", "observe", "resume", "sse", "testing", "wsgi")
FOREIGN = {"powertools": {"aws_lambda_powertools"}}  # the function brings this package
BROUGHT = {"client._signing": {"botocore"}}  # by the runtimes on Lambda; the module says so where it is missing
# Modules without input and output, and the parts of the standard library that they may use.
WITHOUT_INPUT_OR_OUTPUT = {
    "errors": {"sys"},
    "_observe.generation": {"contextlib", "threading"},
    "_observe.stream_record": set(),
    "_resume.event_blocks": set(),
    "_resume.plan": {"collections", "time"},
    "_resume.following": {"collections"},
    "_resume.run": {"collections"},
    "_wire.framing": {"binascii"},
    "_wire.response_stream": {"itertools"},
    "_response.response": {"binascii"},
    "_response.sources": set(),
    "client._checks": set(),
    "client._event_reading": set(),
    "client._http1": set(),
    "client._in_band": {"json"},
    "client._invoke_complete": {"binascii"},
    "client._lines": set(),
    "client._ndjson": {"json"},
    "client._prelude": {"json"},
    "client._request": {"json", "urllib"},
    "client._row_reading": set(),
    "client._sse": {"json"},
}


def test_every_part_has_its_place_in_the_table() -> None:
    assert set(GRAPH.folders()) - {""} == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_its_table_row_allows(part: str) -> None:
    assert GRAPH.folders()[part] <= MAY_IMPORT[part]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even late imports or imports for types. Only the package itself is exempt: it loads its exports on use."""
    modules = {module: imported - {""} for module, imported in GRAPH.modules().items() if module}

    assert circle(modules) == []


def test_a_private_package_says_what_it_may_import() -> None:
    for part, allowed in MAY_IMPORT.items():
        if part.startswith("_") and part != "__main__":
            text = (FOLDER / part / "__init__.py").read_text()
            assert "import" in text, part
            assert "every other" in text or {name for name in allowed if f"`{name}`" in text} == allowed, part


@pytest.mark.parametrize("module", sorted(GRAPH.files))
def test_everything_else_is_of_the_standard_library(module: str) -> None:
    allowed = sys.stdlib_module_names | {"snapshot_restore_py"}  # part of AWS's managed runtimes
    assert GRAPH.outside(module) <= allowed | FOREIGN.get(module, set()) | BROUGHT.get(module, set())


def test_no_module_imports_one_that_needs_another_vendors_package() -> None:
    importing = [module for module, imported in GRAPH.modules().items() if imported & set(FOREIGN)]

    assert importing == []


@pytest.mark.parametrize("module", sorted(WITHOUT_INPUT_OR_OUTPUT))
def test_what_knows_bytes_or_rules_does_no_input_or_output(module: str) -> None:
    assert GRAPH.outside(module) <= WITHOUT_INPUT_OR_OUTPUT[module]


def test_one_module_knows_the_paths_and_another_one_opens_the_sockets_of_logs() -> None:
    def which(pattern: str) -> list[str]:
        return [module for module, path in GRAPH.files.items() if re.search(pattern, path.read_text())]

    assert [module for module in GRAPH.files if "_socket" in GRAPH.outside(module)] == [
        "_concurrency.processes",  # Lambda's socket for the output
        "_runtime.runtime_api",
    ]
    assert which("2018-06-01") == ["_runtime.runtime_api"]


@pytest.mark.parametrize("module", sorted(GRAPH.files))
def test_no_module_grows_beyond_what_can_be_read_in_one_go(module: str) -> None:
    assert len(GRAPH.files[module].read_text().splitlines()) <= 300


def test_each_module_has_its_tests_in_the_place_that_mirrors_its_own() -> None:
    tests = Path(__file__).parent
    modules = [name for name, path in GRAPH.files.items() if path.name != "__init__.py"]
    expected = {Path(*module.split(".")[:-1], f"test_{module.split('.')[-1].strip('_')}.py") for module in modules}

    assert {path for path in expected if not (tests / path).is_file()} == set()


# --- what users see --------------------------------------------------------------------------------------------------


def test_the_folder_shows_what_users_import_and_nothing_else() -> None:
    modules = {path for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    shown = {path.stem for path in modules if not path.name.startswith("_")}

    assert shown == {
        *PUBLIC,
        *FOREIGN,
        "reading",
        "streamify-main",
    }  # a deprecated name, and a script that is no module


def test_dir_shows_the_exports_and_the_public_modules() -> None:
    assert dir(lambda_streamify) == sorted([*lambda_streamify.__all__, *PUBLIC, "__version__"])
    assert not hasattr(lambda_streamify, "TYPE_CHECKING")


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_is_an_attribute_of_the_package(module: str) -> None:
    program = f"import sys; sys.path.insert(0, sys.argv[1]); import lambda_streamify; print(lambda_streamify.{module})"

    assert f"lambda_streamify.{module}" in run(sys.executable, "-ISBc", program, FOLDER.parent, env=clean_environment())


def test_to_import_the_package_is_to_load_nothing_else() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import lambda_streamify; "
        "print(*sorted(set(sys.modules) - before))"
    )

    assert run(sys.executable, "-ISc", program, FOLDER.parent, env=clean_environment()) == "lambda_streamify\n"


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", lambda_streamify.__version__)


def test_what_the_package_exports_is_loaded_when_it_is_used() -> None:
    from lambda_streamify._response.response import StreamingResponse

    assert lambda_streamify.StreamingResponse is StreamingResponse
    with pytest.raises(AttributeError, match="module 'lambda_streamify' has no attribute 'Nope'"):
        lambda_streamify.Nope  # noqa: B018 - what is tested
