"""The package as a whole: what may import what, and what it costs."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lambda_streamify
from processes import clean_environment, run

FOLDER = Path(lambda_streamify.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem.isidentifier())

LEAVES = {"context", "error_report", "loader", "logs", "marshal"}  # what a runtime needs besides HTTP
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "lean_json": set(),
    "framing": {"errors", "lean_json"},
    "sources": set(),
    "bodies": set(),
    "encoded_items": {"bodies", "errors", "iteration", "lean_json"},
    "deadlines": {"bodies", "errors", "iteration", "response"},
    "ndjson": {"encoded_items"},
    "sse": {"encoded_items", "errors"},
    "files": set(),
    "alarm": set(),
    "buffering": {"alarm", "bodies", "errors", "response"},
    "heartbeat": {"alarm", "bodies", "errors", "records", "response"},
    "records": {"response"},
    "response": {"errors", "files"},
    "proxy_response": {"errors", "response", "sources"},
    "reading": {"errors"},
    "response_stream": {"errors", "framing"},
    "runtime_api": {"errors", "framing", "response_stream"},
    "invocation_task": set(),
    "iteration": set(),
    **{leaf: {"errors"} for leaf in LEAVES},
    "marshal": {"errors", "lean_json"},
    "logs": {"marshal", "logging_handler"},
    "logging_handler": {"logs"},  # which imports it in turn, once `logging` is there
    "snapstart": set(),
    "standard_library": set(),
    "current": set(),
    "delivery": {"errors", "current", "framing", "lean_json", "sources", "proxy_response", "response"}
    | {"error_report", "marshal", "sending", "write_lock"},
    "sending": {"iteration", "response", "writer"},
    "write_lock": {"errors", "iteration"},
    "writer": {"errors", "response"},
    "invocation": {"errors", "current", "delivery", "response", "sending", "invocation_task", "writer"} | LEAVES,
    "asgi": {"current", "errors", "http_event", "inline", "lifespan", "outside", "response"},
    "lifespan": {"errors"},
    "http_event": {"errors", "sources"},
    "wsgi": {"current", "errors", "files", "http_event", "inline", "outside"},
    "inline": {"current", "errors", "iteration", "outside", "response"},
    "outside": {"current", "errors", "iteration", "proxy_response", "response", "sources", "write_lock", "writer"},
    "observe": {"current", "errors", "lean_json", "response_stream"},
    "testing": {"current", "errors", "iteration", "marshal", "outside", "response", "sources"},
    "runtime": {"context", "current", "error_report", "invocation", "invocation_task"},
    "bootstrap": {"__init__", "errors", "inline", "sources", "runtime_api", "runtime", "snapstart"} | LEAVES,
    "__main__": {"bootstrap"},
}


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """Each module that `module` imports when it runs, and whether it is one of ours; not what types alone need."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            yield node.module.partition(".")[0], False
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or (alias.name if alias.name in MODULES else "__init__"), True


def test_every_module_has_its_place_in_the_table() -> None:
    assert set(MODULES) == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    assert {name for name, ours in imports(module) if ours} <= MAY_IMPORT[module]


@pytest.mark.parametrize("module", MODULES)
def test_everything_else_is_of_the_standard_library(module: str) -> None:
    allowed = sys.stdlib_module_names | {"snapshot_restore_py"}  # part of AWS's managed runtimes, as SnapStart is
    assert {name for name, ours in imports(module) if not ours} <= allowed


@pytest.mark.parametrize("module", ["errors", "framing", "response", "response_stream", "sources"])
def test_what_knows_bytes_or_rules_does_no_input_or_output(module: str) -> None:
    assert {name for name, ours in imports(module) if not ours} <= {"json", "binascii", "sys", "select"}


def test_one_module_opens_sockets_and_knows_the_paths() -> None:
    def which(pattern: str) -> list[str]:
        return [module for module in MODULES if re.search(pattern, (FOLDER / f"{module}.py").read_text())]

    assert [module for module in MODULES if ("_socket", False) in imports(module)] == ["runtime_api"]
    assert which("2018-06-01") == ["runtime_api"]


@pytest.mark.parametrize("module", MODULES)
def test_no_module_grows_beyond_what_can_be_read_in_one_go(module: str) -> None:
    assert len((FOLDER / f"{module}.py").read_text().splitlines()) <= 300


def test_each_module_has_its_tests() -> None:
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}

    assert {module.strip("_") for module in MODULES} - {"init"} <= tests


def test_to_import_the_package_is_to_load_nothing_else() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import lambda_streamify; "
        "print(*sorted(set(sys.modules) - before))"
    )

    assert run(sys.executable, "-ISc", program, FOLDER.parent, env=clean_environment()) == "lambda_streamify\n"


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", lambda_streamify.__version__)


def test_what_the_package_exports_is_loaded_when_it_is_used() -> None:
    from lambda_streamify.response import StreamingResponse

    assert lambda_streamify.StreamingResponse is StreamingResponse
    assert set(lambda_streamify.__all__) <= set(dir(lambda_streamify))
    with pytest.raises(AttributeError, match="module 'lambda_streamify' has no attribute 'Nope'"):
        lambda_streamify.Nope  # noqa: B018 - what is tested
