"""Which folder of the emulator may import which others. Imports never form a circle."""

from pathlib import Path

import pytest

import lambda_streamify_emulator
from import_graph import ImportGraph, circle

FOLDER = Path(lambda_streamify_emulator.__file__).parent
GRAPH = ImportGraph(FOLDER)

# For each folder, and each module outside folders: what it may import, also for types only.
MAY_IMPORT: dict[str, set[str]] = {
    "account": set(),
    "errors": set(),
    "recordings": {"errors"},
    "invocations": {"errors", "recordings"},
    "listener": set(),
    "web": {"account", "errors", "invocations", "listener"},
    "activity": {"errors", "invocations", "recordings", "web"},
    "clients": {"errors", "recordings", "web"},
    "terminal": {"errors", "recordings", "web"},
    "analysis": {"clients", "errors", "recordings", "terminal"},
    "caching": {"errors"},
    "processes": {"caching", "errors"},
    "template": {"account", "caching", "errors"},
    "building": {"caching", "errors", "processes", "template"},
    "containers": {"errors", "processes", "template"},
    "runtime_api": {"invocations", "listener", "template", "web"},
    "extensions": {"account", "invocations", "listener", "processes", "runtime_api", "template"},
    "settings": {"activity", "errors", "invocations", "template", "web"},
    "sandboxes": {
        "account",
        "building",
        "containers",
        "errors",
        "extensions",
        "invocations",
        "listener",
        "processes",
        "runtime_api",
        "settings",
        "template",
    },
    "precompiling": {"building", "errors", "processes", "sandboxes", "template"},
    "checks": {"errors", "precompiling", "template"},
    "dashboard": {"activity", "errors", "invocations", "recordings", "sandboxes", "template", "web"},
    "urls": {"account", "errors", "invocations", "sandboxes", "template", "web"},
    "lambda_api": {"account", "invocations", "sandboxes", "template", "urls", "web"},
    "rest_apis": {"account", "errors", "invocations", "sandboxes", "template", "urls", "web"},
    "http_apis": {"account", "errors", "invocations", "rest_apis", "sandboxes", "template", "urls", "web"},
    "websocket_apis": {"errors", "invocations", "rest_apis", "sandboxes", "template", "urls", "web"},
    "function_pools": {"building", "errors", "processes", "sandboxes", "settings", "template"},
    "emulator": {
        "dashboard",
        "errors",
        "function_pools",
        "http_apis",
        "lambda_api",
        "processes",
        "rest_apis",
        "sandboxes",
        "settings",
        "template",
        "urls",
        "web",
        "websocket_apis",
    },
    "preparation": {"building", "errors", "processes", "sandboxes", "template"},
    "attach": {"analysis", "building", "clients", "errors"},
    "load": {"clients", "errors", "recordings", "terminal"},
    "replays": {"errors", "invocations", "lambda_api", "recordings", "web"},
    "commands": {
        "account",
        "activity",
        "analysis",
        "attach",
        "checks",
        "clients",
        "emulator",
        "errors",
        "invocations",
        "load",
        "precompiling",
        "preparation",
        "recordings",
        "replays",
        "sandboxes",
        "settings",
        "template",
        "terminal",
        "web",
    },
    "__main__": {"commands"},
    "testing": {
        "clients",
        "emulator",
        "errors",
        "invocations",
        "recordings",
        "sandboxes",
        "settings",
        "template",
        "web",
    },
    "pytest_plugin": {"__main__", "errors", "replays", "settings", "testing"},
}


def test_every_part_is_in_the_table() -> None:
    assert set(GRAPH.folders()) - {""} == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_its_table_row_allows(part: str) -> None:
    assert GRAPH.folders()[part] <= MAY_IMPORT[part]


def test_each_row_of_the_table_refers_only_to_rows_above_it() -> None:
    above: set[str] = set()
    for part, allowed in MAY_IMPORT.items():
        assert allowed <= above, part
        above.add(part)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(GRAPH.modules()) == []


def test_nothing_imports_the_layer() -> None:
    """The emulator checks the layer, so it must not share its code."""
    assert [module for module in GRAPH.files if "lambda_streamify" in GRAPH.outside(module)] == []


@pytest.mark.parametrize("module", sorted(GRAPH.files))
def test_no_module_is_too_long(module: str) -> None:
    assert len(GRAPH.files[module].read_text().splitlines()) <= 300
