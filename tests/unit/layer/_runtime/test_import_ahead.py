import sys
from pathlib import Path

import pytest

import lambda_streamify
from lambda_streamify._runtime.import_ahead import import_ahead
from processes import clean_environment, run

FOLDER = Path(lambda_streamify.__file__).parent.parent

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from lambda_streamify._runtime.import_ahead import import_ahead
import_ahead()
print("anyio" in sys.modules)
import anyio
import_ahead()
before = set(sys.modules)

async def main():
    await anyio.to_thread.run_sync(int)
    async with anyio.create_task_group():
        await anyio.sleep(0)

import asyncio
asyncio.run(main())
print(*sorted(name for name in set(sys.modules) - before if name.startswith(("anyio", "lambda_streamify"))))
"""


def test_what_anyio_imports_at_its_first_use_is_imported_if_the_function_has_imported_anyio() -> None:
    assert run(sys.executable, "-Bc", PROGRAM, FOLDER, env=clean_environment()) == "False\n\n"


def test_a_package_without_the_module_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anyio._backends._asyncio", None)  # an import then raises ImportError
    monkeypatch.setitem(sys.modules, "anyio", sys)

    import_ahead()
