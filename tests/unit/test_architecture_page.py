"""docs/explanation/architecture.md names every part of the code, and its picture of calls shows what is called."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from import_graph import ImportGraph
from invoking import FUNCTION_URL, Log, no_loop
from lambda_streamify._runtime.bootstrap import _handle
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime import Runtime
from lambda_streamify._runtime.runtime_api import RuntimeApi
from pictures.calls import TO_THE_HANDLER, TO_THE_SOCKET
from pictures.import_maps import EMULATOR, LAYER
from processes import ROOT
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()


@pytest.mark.parametrize("package", [LAYER, EMULATOR], ids=lambda package: package.name)
def test_every_folder_is_explained(package: Path) -> None:
    graph = ImportGraph(package)
    folders = {part for part in graph.folders() if (graph.folder / part / "__init__.py").is_file() and part}

    assert {folder for folder in folders if f"`{folder}`" not in PAGE} == set()


def test_a_chunk_goes_the_way_that_the_picture_shows() -> None:
    """The listed functions are called in this order, each for the first time after the one before."""
    steps = [*TO_THE_HANDLER, *TO_THE_SOCKET]
    files = {f"{LAYER}/{module.replace('.', '/')}.py" for module, *_ in steps}
    called: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename in files:
            module = code.co_filename.removeprefix(f"{LAYER}/").removesuffix(".py").replace("/", ".")
            owner = type(frame.f_locals["self"]).__name__ + "." if "self" in frame.f_locals else ""
            called.append((module, owner + code.co_name))

    with ScriptedApi(answers(invocation(FUNCTION_URL), ACCEPTED)) as api:
        client = RuntimeApi(api.address, "test")
        runtime = Runtime(client, lambda *_: iter(["one", "two"]), Logs(Log()), mode="auto", handle=_handle)
        runtime.event_loop = no_loop  # type: ignore[method-assign]
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            runtime.run_one()
        finally:
            sys.setprofile(before)
            client.close()

    positions = [called.index((module, name)) for module, name, _ in steps]
    assert positions == sorted(positions)
