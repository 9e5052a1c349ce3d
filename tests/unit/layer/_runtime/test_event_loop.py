import asyncio
import sys
from pathlib import Path

import pytest

import lambda_streamify
from lambda_streamify._runtime.event_loop import new_event_loop
from lambda_streamify.errors import HandlerError
from processes import clean_environment, interpreter, run

FOLDER = Path(lambda_streamify.__file__).parent.parent

POLICY = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])

class Loop(asyncio.SelectorEventLoop):
    pass

class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return Loop()

asyncio.set_event_loop_policy(Policy())
from lambda_streamify._runtime.event_loop import new_event_loop
loop = new_event_loop({})
print(type(loop).__name__)
loop.close()
"""


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_a_policy_that_the_function_sets_creates_the_loop(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs on this machine")

    assert run(python, "-ISBc", POLICY, FOLDER, env=clean_environment()) == "Loop\n"


@pytest.mark.parametrize("environ", [{}, {"STREAMIFY_EVENT_LOOP": ""}, {"STREAMIFY_EVENT_LOOP": "asyncio"}])
def test_the_loop_is_asyncios_unless_told(environ: dict[str, str]) -> None:
    loop = new_event_loop(environ)
    loop.close()

    assert isinstance(loop, asyncio.SelectorEventLoop)


def test_the_error_for_another_name_lists_the_valid_ones() -> None:
    with pytest.raises(HandlerError) as raised:
        new_event_loop({"STREAMIFY_EVENT_LOOP": "trio"})

    assert str(raised.value) == "STREAMIFY_EVENT_LOOP is 'trio'; it must be one of asyncio, uvloop"


def test_the_error_for_a_missing_uvloop_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)  # an import then raises ImportError

    with pytest.raises(HandlerError, match=r"add uvloop to the function's requirements, .* or remove the variable"):
        new_event_loop({"STREAMIFY_EVENT_LOOP": "uvloop"})
